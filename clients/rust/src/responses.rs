use std::{fmt, io, pin::Pin, task::Context, task::Poll};

use tokio::io::AsyncRead;
use tokio_stream::{Stream, StreamExt};
use tokio_util::io::StreamReader;

use crate::Result;

/// The responses of a call.  Dropping them ends the call.
pub struct Responses<T>(Pin<Box<dyn Stream<Item = Result<T>> + Send>>);

impl<T> Responses<T> {
    pub(crate) fn new(stream: impl Stream<Item = Result<T>> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }

    /// The next response; None at the end.
    ///
    /// # Errors
    ///
    /// The failure of the call, also after responses.
    pub async fn message(&mut self) -> Result<Option<T>> {
        self.0.next().await.transpose()
    }
}

impl<T> Stream for Responses<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl<T> fmt::Debug for Responses<T> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Responses")
    }
}

/// A response with a piece of bytes.
pub trait Piece {
    /// The bytes; empty when the response holds something else.
    fn into_data(self) -> Vec<u8>;
}

/// The bytes in responses, such as those of `export_container`, to read from.
pub fn reader<T: Piece + 'static>(responses: Responses<T>) -> impl AsyncRead + Send + Unpin {
    StreamReader::new(responses.map(|response| match response {
        Ok(response) => Ok(bytes::Bytes::from(response.into_data())),
        Err(error) => Err(io::Error::other(error)),
    }))
}
