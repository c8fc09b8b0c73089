use std::time::Duration;

use tokio::io::AsyncRead;

use crate::calls::Calls;
use crate::services::{
    ContainerService, DistributionService, ExecService, FleetService, HostService, ImageService, NetworkService,
    SystemService, VolumeService,
};
use crate::v1::{ExecStart, LogEntry, StreamLogsRequest, stream_logs_response::Record};
use crate::{Error, ExecResult, Responses, Result};

/// All hosts of a gateway.  It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Fleet(Calls);

/// One host: the services of the contract, and shortcuts.  `host` in requests is filled in.
#[derive(Clone, Debug)]
pub struct Host {
    calls: Calls,
    name: String,
}

impl Fleet {
    pub(crate) fn new(calls: Calls) -> Self {
        Self(calls)
    }

    /// The host called `name`.  Nothing is sent; an unknown host fails the first call.
    pub fn host(&self, name: impl Into<String>) -> Host {
        Host { calls: self.0.clone(), name: name.into() }
    }

    /// The hosts themselves: list, add, drain.
    pub fn hosts(&self) -> HostService {
        HostService::new(self.0.clone())
    }

    /// Many hosts in one call: questions, merged streams and batches.
    pub fn all(&self) -> FleetService {
        FleetService::new(self.0.clone())
    }

    /// The same fleet, whose calls have this deadline.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self(self.0.with_timeout(timeout))
    }

    /// The same fleet, whose broken streams are called again for this long; a minute when not given.
    pub fn with_retry(&self, retry: Duration) -> Self {
        Self(self.0.with_retry(retry))
    }
}

macro_rules! services {
    ($($(#[$comment:meta])* $name:ident: $service:ident),+ $(,)?) => {
        impl Host {
            $($(#[$comment])* pub fn $name(&self) -> $service {
                $service::new(self.calls.clone(), self.name.clone())
            })+
        }
    };
}

services! {
    /// Containers.
    containers: ContainerService,
    /// What registries say of images.
    distribution: DistributionService,
    /// Commands in containers.
    exec: ExecService,
    /// Images.
    images: ImageService,
    /// Networks.
    networks: NetworkService,
    /// The engine.
    system: SystemService,
    /// Volumes.
    volumes: VolumeService,
}

impl Host {
    /// The name of the host.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same host, whose calls have this deadline.  Without one, the gateway's own limits hold.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { calls: self.calls.with_timeout(timeout), name: self.name.clone() }
    }

    /// The log of a container, entry by entry, across broken connections.  What the engine has lost is an error with the
    /// reason `GAP`, unless `strict` is false.  `containers().stream_logs` also reports gaps, restarts and the end.
    ///
    /// # Errors
    ///
    /// The failure of the first call.
    pub async fn logs(&self, mut request: StreamLogsRequest) -> Result<Responses<LogEntry>> {
        request.strict.get_or_insert(true);
        let mut responses = self.containers().stream_logs(request).await?;
        Ok(Responses::new(async_stream::try_stream! {
            while let Some(response) = responses.message().await? {
                if let Some(Record::Batch(batch)) = response.record {
                    for entry in batch.entries {
                        yield entry;
                    }
                }
            }
        }))
    }

    /// Runs a command in a container and returns its result.  All output is kept in memory; `exec().exec` streams it.
    ///
    /// # Errors
    ///
    /// The failure of the session.  A command that fails is none: see `exit_code`.
    pub async fn execute(&self, id: &str, cmd: &[&str]) -> Result<ExecResult> {
        let cmd = cmd.iter().map(|&word| word.to_owned()).collect();
        let start = ExecStart { id: id.to_owned(), cmd, ..Default::default() };
        self.exec().exec(start).await?.result().await
    }

    /// The same, with `stdin` as the input of the command.
    ///
    /// # Errors
    ///
    /// As `execute`, and what `stdin` fails with.
    pub async fn execute_with(
        &self,
        mut start: ExecStart,
        stdin: impl AsyncRead + Send + Unpin + 'static,
    ) -> Result<ExecResult> {
        start.attach_stdin = Some(true);
        let mut session = self.exec().exec(start).await?;
        let input = session.input();
        session.close_input();
        let result = session.result();
        tokio::pin!(result);
        let feed = async {
            match input {
                Some(input) => input.feed(stdin).await,
                None => Ok(()),
            }
        };
        tokio::select! {
            Err(error) = feed => match error.kind() {
                std::io::ErrorKind::BrokenPipe => result.await,
                _ => Err(Error::of_source(error)),
            },
            result = &mut result => result,
        }
    }
}
