//! The calls of every shape.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::{io, time::Duration};

use prost::Message;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, IntoStreamingRequest, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::resuming::RETRY;
use crate::{Error, Responses, Result};

const MAX_MESSAGE_BYTES: usize = 64 << 20; // the gateway's own limit is usually lower
pub(crate) const CHUNK: usize = 256 << 10; // the gateway refuses messages of more than 4 MiB

/// A message that is sent.
pub trait Sent: Message + 'static {}
impl<T: Message + 'static> Sent for T {}

/// A message that is received.
pub trait Received: Message + Default + 'static {}
impl<T: Message + Default + 'static> Received for T {}

/// A request of an upload.
pub trait UploadRequest: Sent {
    /// What its first request holds.
    type Start: Send;
    /// The first request.
    fn start(start: Self::Start) -> Self;
    /// A later request.
    fn data(data: Vec<u8>) -> Self;
}

/// Makes the calls.  Single calls have a connection of their own: a connection has room for so many.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    single: Channel,
    long: Channel,
    token: Option<MetadataValue<Ascii>>,
    address: Arc<str>,
    answered: Arc<AtomicBool>, // whether a call has reached the gateway
    timeout: Option<Duration>,
    pub(crate) retry: Duration,
}

impl Calls {
    pub(crate) fn new(address: &str, single: Channel, long: Channel, token: Option<MetadataValue<Ascii>>) -> Self {
        Self { single, long, token, address: address.into(), answered: Arc::default(), timeout: None, retry: RETRY }
    }

    pub(crate) fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self.clone() }
    }

    pub(crate) fn with_retry(&self, retry: Duration) -> Self {
        Self { retry, ..self.clone() }
    }

    pub(crate) async fn unary<Q: Sent, R: Received>(&self, path: &'static str, request: Q) -> Result<R> {
        let deadline = self.deadline();
        let request = self.request(request, deadline);
        let call = async {
            let mut grpc = ready(&self.single).await?;
            Ok(grpc.unary(request, PathAndQuery::from_static(path), ProstCodec::default()).await?.into_inner())
        };
        self.noted(within(deadline, call).await)
    }

    pub(crate) async fn stream<Q: Sent, R: Received>(&self, path: &'static str, request: Q) -> Result<Responses<R>> {
        let deadline = self.deadline();
        Ok(responses(self.open(path, request, deadline).await?, deadline))
    }

    /// Opens a stream that ends at `deadline`.
    pub(crate) async fn open<Q: Sent, R: Received>(
        &self,
        path: &'static str,
        request: Q,
        deadline: Option<Instant>,
    ) -> Result<Streaming<R>> {
        let request = self.request(request, deadline);
        let call = async {
            let mut grpc = ready(&self.long).await?;
            let path = PathAndQuery::from_static(path);
            Ok(grpc.server_streaming(request, path, ProstCodec::default()).await?.into_inner())
        };
        self.noted(within(deadline, call).await)
    }

    /// Opens a call with many requests and many responses, or one.
    pub(crate) async fn open_both<Q: Sent, R: Received>(
        &self,
        path: &'static str,
        requests: impl Stream<Item = Q> + Send + 'static,
        deadline: Option<Instant>,
    ) -> Result<Streaming<R>> {
        let request = self.request(requests, deadline).into_streaming_request();
        let call = async {
            let mut grpc = ready(&self.long).await?;
            let path = PathAndQuery::from_static(path);
            Ok(grpc.streaming(request, path, ProstCodec::default()).await?.into_inner())
        };
        self.noted(within(deadline, call).await)
    }

    pub(crate) async fn upload<Q: UploadRequest, R: Received>(
        &self,
        path: &'static str,
        start: Q::Start,
        source: impl AsyncRead + Send + Unpin + 'static,
    ) -> Result<R> {
        let mut responses = self.upload_stream::<Q, R>(path, start, source).await?;
        let first = responses.message().await?;
        first.ok_or_else(|| Error::new(Code::Internal, "the call ended without a response"))
    }

    /// An upload with many responses.  When the source fails, the call is cancelled.
    pub(crate) async fn upload_stream<Q: UploadRequest, R: Received>(
        &self,
        path: &'static str,
        start: Q::Start,
        mut source: impl AsyncRead + Send + Unpin + 'static,
    ) -> Result<Responses<R>> {
        let deadline = self.deadline();
        let (report, mut failed) = mpsc::channel::<io::Error>(1);
        let requests = async_stream::stream! {
            yield Q::start(start);
            loop {
                let mut piece = Vec::with_capacity(CHUNK);
                match (&mut source).take(CHUNK as u64).read_to_end(&mut piece).await {
                    Ok(0) => break,
                    Ok(_) => yield Q::data(piece),
                    Err(error) => {
                        let _ = report.send(error).await;
                        match pending::<Infallible>().await {} // an incomplete upload must not look like a complete one
                    }
                }
            }
        };
        let mut responses: Responses<R> = tokio::select! {
            Some(error) = failed.recv() => return Err(Error::of_source(error)),
            opened = self.open_both(path, requests, deadline) => responses(opened?, deadline),
        };
        Ok(Responses::new(async_stream::try_stream! {
            loop {
                let message = tokio::select! {
                    Some(error) = failed.recv() => Err(Error::of_source(error)),
                    message = responses.message() => message,
                };
                match message? {
                    Some(response) => yield response,
                    None => break,
                }
            }
        }))
    }

    /// Notes whether the gateway has answered.
    fn noted<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Err(error) if error.broke && !self.answered.load(Relaxed) => Err(error.closed_unanswered()),
            Err(error) if error.reason.is_empty() => Err(error.at(&self.address)),
            answer => {
                self.answered.store(true, Relaxed);
                answer
            }
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timeout.map(|timeout| Instant::now() + timeout)
    }

    fn request<T>(&self, message: T, deadline: Option<Instant>) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(deadline) = deadline {
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        }
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request
    }
}

/// The responses of a call that ends at `deadline`.
pub(crate) fn responses<R: Received>(mut streaming: Streaming<R>, deadline: Option<Instant>) -> Responses<R> {
    Responses::new(async_stream::try_stream! {
        while let Some(response) = within(deadline, streaming.message()).await? {
            yield response;
        }
    })
}

/// Waits for a part of a call.  tonic reports a deadline of its own as CANCELLED.
pub(crate) async fn within<T>(
    deadline: Option<Instant>,
    part: impl Future<Output = std::result::Result<T, Status>>,
) -> Result<T> {
    let Some(deadline) = deadline else { return Ok(part.await?) };
    match timeout_at(deadline, part).await {
        Ok(Err(status)) if status.code() == Code::Cancelled && Instant::now() >= deadline => Err(ran_out()),
        Ok(result) => Ok(result?),
        Err(_) => Err(ran_out()),
    }
}

fn ran_out() -> Error {
    Error::new(Code::DeadlineExceeded, "the deadline of the call ran out")
}

async fn ready(channel: &Channel) -> std::result::Result<Grpc<Channel>, Status> {
    let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES);
    grpc.ready().await.map_err(|error| Status::unavailable(format!("the gateway cannot be reached: {error}")))?;
    Ok(grpc)
}
