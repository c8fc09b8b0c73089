//! When and how a broken stream is called again.  The rule is that of the contract: see the beginning of
//! protos/dockfleet/v1/common.proto.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tonic::{Code, Streaming};

use crate::calls::{Calls, Received, Sent, within};
use crate::{Error, Responses, Result};

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
pub(crate) const RETRY: Duration = Duration::from_secs(60); // as long as a gateway tries to reach a host

/// What libraries report for a broken connection.
const BROKEN: [Code; 4] = [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::Internal];

/// A request that can be made again to continue a stream.
pub trait Resume: Sent + Clone {
    /// Puts the token in place of `since` and `tail`, and the id, if any, in place of a name.
    fn resume(&mut self, token: Vec<u8>, container_id: String);
}

/// A response of a stream that can be continued.
pub trait Resumable: Received {
    /// Whether responses have tokens.
    const HAS_TOKEN: bool;
    /// The position after this response.
    fn token(&self) -> Vec<u8>;
    /// The container of a log.
    fn container_id(&self) -> String;
    /// Whether it has no news: a heartbeat, or a record of a newer gateway.
    fn is_silent(&self) -> bool;
    /// Whether it is the last one.
    fn is_end(&self) -> bool;
}

/// Whether a stream that failed with `error` can be called again, when this program did not end it itself.
pub fn may_resume(error: &Error) -> bool {
    if error.reason.is_empty() {
        return BROKEN.contains(&error.code); // the failure does not come from the gateway
    }
    error.code == Code::Unavailable || error.retry_safe || error.reason == "SLOW_READER"
}

impl Calls {
    /// The responses of a stream across all its calls, without heartbeats and records of newer gateways.
    pub(crate) async fn resuming<Q: Resume, R: Resumable>(
        &self,
        path: &'static str,
        mut request: Q,
    ) -> Result<Responses<R>> {
        let calls = self.clone();
        let mut retry = Retry::new(self.deadline(), self.retry);
        let mut stream: Streaming<R> = self.open(path, request.clone(), retry.deadline).await?;
        Ok(Responses::new(async_stream::try_stream! {
            let mut ended = false;
            loop {
                let mut error = match within(retry.deadline, stream.message()).await {
                    Ok(None) => break,
                    Ok(Some(response)) => {
                        retry.received(&response, &mut request);
                        ended |= response.is_end();
                        if !response.is_silent() {
                            yield response;
                        }
                        continue;
                    }
                    Err(_) if ended => break, // what breaks after the last response does not matter
                    Err(error) => error,
                };
                stream = loop {
                    sleep(retry.failed(error)?).await;
                    match calls.open(path, request.clone(), retry.deadline).await {
                        Ok(stream) => break stream,
                        Err(again) => error = again,
                    }
                };
            }
        }))
    }
}

/// The state of one stream across its calls.
struct Retry {
    deadline: Option<Instant>,
    longest: Duration,
    known: bool, // where to continue
    failed_at: Option<Instant>,
    pause: Duration,
}

impl Retry {
    fn new(deadline: Option<Instant>, longest: Duration) -> Self {
        Self { deadline, longest, known: false, failed_at: None, pause: SHORTEST_PAUSE }
    }

    fn received<Q: Resume, R: Resumable>(&mut self, response: &R, request: &mut Q) {
        let token = response.token();
        self.known |= !R::HAS_TOKEN || !token.is_empty();
        if !token.is_empty() {
            request.resume(token, response.container_id());
        }
        (self.failed_at, self.pause) = (None, SHORTEST_PAUSE);
    }

    /// How long to wait before the next call, or the error when there is none.
    fn failed(&mut self, error: Error) -> Result<Duration> {
        let now = Instant::now();
        let failed_at = *self.failed_at.get_or_insert(now);
        let wait = self.pause.mul_f64(jitter()).max(error.retry_after.unwrap_or_default());
        let over = self.deadline.is_some_and(|deadline| now >= deadline);
        if over || !self.known || !may_resume(&error) || now + wait > failed_at + self.longest {
            return Err(error);
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(wait)
    }
}

/// A number from 0.8 to 1.2, so that many clients of a gateway do not call again at once.
fn jitter() -> f64 {
    0.8 + 0.4 * (RandomState::new().build_hasher().finish() % 1000) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{StreamLogsRequest, StreamLogsResponse};

    #[test]
    fn a_broken_connection_is_resumed_whatever_the_library_calls_it() {
        for code in BROKEN {
            assert!(may_resume(&Error::of(code, "", false)));
        }
        assert!(!may_resume(&Error::of(Code::DeadlineExceeded, "", false)));
    }

    #[test]
    fn what_the_gateway_says_decides_when_it_says_something() {
        assert!(may_resume(&Error::of(Code::Unavailable, "HOST_UNREACHABLE", false)));
        assert!(may_resume(&Error::of(Code::DeadlineExceeded, "HOST_TIMEOUT", true)));
        assert!(may_resume(&Error::of(Code::ResourceExhausted, "SLOW_READER", false)));
        assert!(!may_resume(&Error::of(Code::Internal, "INTERNAL", false)));
    }

    #[test]
    fn the_next_call_has_the_token_in_place_of_where_the_first_began() {
        let mut retry = Retry::new(None, RETRY);
        let mut request =
            StreamLogsRequest { id: "web".into(), tail: Some(10), follow: Some(true), ..Default::default() };
        let response =
            StreamLogsResponse { resume_token: b"t1".to_vec(), container_id: "c0ffee".into(), ..Default::default() };
        retry.received(&response, &mut request);
        let wanted = StreamLogsRequest {
            id: "c0ffee".into(),
            follow: Some(true),
            resume_token: Some(b"t1".to_vec()),
            ..Default::default()
        };
        assert_eq!(request, wanted);
        assert!(retry.failed(Error::of(Code::Unknown, "", false)).is_ok());
    }

    #[test]
    fn a_stream_that_has_not_begun_is_not_called_again() {
        assert!(Retry::new(None, RETRY).failed(Error::of(Code::Unavailable, "", false)).is_err());
    }
}
