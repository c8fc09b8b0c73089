use std::{fmt, io, iter::successors, ops::Deref, sync::Arc, time::Duration};

use tonic::{Code, Status, TimeoutExpired};
use tonic_types::StatusExt;

const CLOSED_UNANSWERED: &str = "the gateway closed the connection before its first answer: it may require TLS, or a \
    client certificate that it trusts, or have stopped";

/// What tonic reports for a connection that breaks.
const BROKEN: [Code; 3] = [Code::Unknown, Code::Cancelled, Code::Internal];

/// What a call returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A call failed: see [`Failure`].
#[derive(Clone, Debug)]
pub struct Error(Box<Failure>);

/// Why a call failed.  The message is for people; programs decide by `reason`.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The gRPC status code.
    pub code: Code,
    /// What failed; the engine's own text when the engine refused.
    pub message: String,
    /// A value of the contract's `ErrorReason` without its prefix, such as `UNKNOWN_HOST`.  Empty when the failure does
    /// not come from a gateway, such as when there is no connection.
    pub reason: String,
    /// The host of the call; empty when none was chosen.
    pub host: String,
    /// The HTTP status of the engine's response.
    pub engine_status: Option<u16>,
    /// The id of the call in the gateway's log.
    pub request_id: String,
    /// Whether the same call may be made again: it may help, and does no harm.
    pub retry_safe: bool,
    /// How long to wait before the call is made again.
    pub retry_after: Option<Duration>,
    /// What is wrong with the request, by field.
    pub violations: Vec<Violation>,
    /// The object that does not exist or is in the way.
    pub resource: Option<Resource>,
    /// The error of the source of an upload.
    pub source: Option<Arc<io::Error>>,
    /// Whether a connection that was there broke.
    pub(crate) broke: bool,
    /// Whether no connection was made.
    pub(crate) unreached: bool,
}

/// A field of the request that is missing or wrong, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    pub field: String,
    pub description: String,
}

/// The object of a failure: its kind, such as `container`, and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    pub kind: String,
    pub name: String,
}

impl Error {
    /// Says what may be wrong when the gateway closes a connection before it has answered a call.
    pub(crate) fn closed_unanswered(mut self) -> Self {
        self.0.message = format!("{CLOSED_UNANSWERED} ({})", self.0.message);
        self
    }

    /// Names the address of a gateway that was not reached.
    pub(crate) fn at(mut self, address: &str) -> Self {
        if self.0.unreached {
            self.0.message = format!("no connection to the gateway at {address}: {}", self.0.message);
        }
        self
    }

    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Failure::new(code, message)))
    }

    #[cfg(test)]
    pub(crate) fn of(code: Code, reason: &str, retry_safe: bool) -> Self {
        Self(Box::new(Failure { reason: reason.to_owned(), retry_safe, ..Failure::new(code, "") }))
    }

    /// The source of an upload failed, and the call was cancelled.
    pub(crate) fn of_source(error: io::Error) -> Self {
        let message = format!("the source failed: {error}");
        Self(Box::new(Failure { source: Some(Arc::new(error)), ..Failure::new(Code::Cancelled, message) }))
    }
}

impl Failure {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            reason: String::new(),
            host: String::new(),
            engine_status: None,
            request_id: String::new(),
            retry_safe: false,
            retry_after: None,
            violations: Vec::new(),
            resource: None,
            source: None,
            broke: false,
            unreached: false,
        }
    }
}

impl Failure {
    /// Takes the words of tonic for a connection that broke or was not made, in place of those of its code.
    fn of_connection(&mut self, status: &Status) {
        let causes: Vec<_> = successors(std::error::Error::source(status), |error| error.source()).collect();
        let of_tonic = self.code == Code::Unavailable || BROKEN.contains(&self.code);
        if causes.is_empty() || !of_tonic || causes.iter().any(|cause| cause.is::<TimeoutExpired>()) {
            return;
        }
        self.broke = self.code != Code::Unavailable;
        self.unreached = !self.broke;
        self.code = Code::Unavailable;
        let mut texts: Vec<_> = causes.iter().map(ToString::to_string).collect();
        texts.dedup();
        self.message = texts.join(": ");
        if self.message.contains("InvalidContentType") {
            self.message = format!("the gateway does not use TLS ({})", self.message);
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let mut failure = Failure::new(status.code(), status.message());
        failure.of_connection(&status);
        if let Some(info) = details.error_info().filter(|info| info.domain == "dockfleet") {
            let of = |key: &str| info.metadata.get(key).cloned().unwrap_or_default();
            failure.reason = info.reason.clone();
            failure.host = of("host");
            failure.engine_status = of("engine_status").parse().ok();
            failure.request_id = of("request_id");
            failure.retry_safe = of("retry_safe") == "true";
        }
        failure.retry_after = details.retry_info().and_then(|info| info.retry_delay);
        failure.resource = details
            .resource_info()
            .map(|info| Resource { kind: info.resource_type.clone(), name: info.resource_name.clone() });
        if let Some(bad) = details.bad_request() {
            failure.violations = (bad.field_violations.iter())
                .map(|each| Violation { field: each.field.clone(), description: each.description.clone() })
                .collect();
        }
        Self(Box::new(failure))
    }
}

impl Deref for Error {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { code, message, reason, .. } = &**self;
        if reason.is_empty() { write!(to, "{code:?}: {message}") } else { write!(to, "{reason}: {message}") }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}
