use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt};

use crate::calls::{CHUNK, Calls, Received, Sent, responses};
use crate::v1::{CloseStdin, OutputChunk, SessionEnd, SessionStarted, StandardStream, TerminalSize};
use crate::{Responses, Result};

const WAITING_WRITES: usize = 8; // frames of input, of at most 256 KiB each, that wait to be sent

/// A request of a session.
pub trait SessionRequest: Sent {
    /// What its first request holds.
    type Start: Send + 'static;
    /// The first request.
    fn start(start: Self::Start) -> Self;
    /// A later request.
    fn input(frame: Frame) -> Self;
}

/// A response of a session.
pub trait SessionResponse: Received {
    /// What it holds; None for heartbeats and what is newer than this client.
    fn into_news(self) -> Option<News>;
}

/// What is sent after the start.
#[derive(Debug)]
pub enum Frame {
    Stdin(Vec<u8>),
    Resize(TerminalSize),
    CloseStdin(CloseStdin),
}

/// What a session tells.
#[derive(Debug)]
pub enum News {
    Started(SessionStarted),
    Output(OutputChunk),
    Dropped(u64),
    End(SessionEnd),
}

/// The result of a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExecResult {
    /// Its exit code; None when it is not known.
    pub exit_code: Option<i64>,
    /// Why there is no exit code.
    pub unknown_reason: String,
    /// All that it wrote to standard output.
    pub stdout: Vec<u8>,
    /// All that it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// A session with a process.  Write and read at the same time: a process that waits until its output is read does not
/// read its input.
///
/// Dropping it ends the session.  That kills the process of `exec`, unless it has `OnDisconnect::Keep`.
#[derive(Debug)]
pub struct Session {
    input: Option<Input>,
    news: Responses<News>,
    started: SessionStarted,
    end: Option<SessionEnd>,
    dropped_bytes: u64,
}

/// The input of a session.  Standard input ends when all clones of it, and the session's own, are dropped.
#[derive(Clone, Debug)]
pub struct Input(mpsc::Sender<Frame>);

impl Session {
    /// The next output; None at the end.
    ///
    /// # Errors
    ///
    /// The failure of the session.
    pub async fn output(&mut self) -> Result<Option<OutputChunk>> {
        while let Some(news) = self.news.message().await? {
            match news {
                News::Output(output) => return Ok(Some(output)),
                News::Started(started) => self.started = started,
                News::Dropped(bytes) => self.dropped_bytes += bytes,
                News::End(end) => self.end = Some(end),
            }
        }
        Ok(None)
    }

    /// Reads all output to the end of the session, and returns it with the exit code.
    ///
    /// # Errors
    ///
    /// The failure of the session.  A command that fails is none.
    pub async fn result(mut self) -> Result<ExecResult> {
        let mut result = ExecResult::default();
        while let Some(output) = self.output().await? {
            let stream =
                if output.stream() == StandardStream::Stderr { &mut result.stderr } else { &mut result.stdout };
            stream.extend(output.data);
        }
        result.exit_code = self.exit_code();
        result.unknown_reason = match &self.end {
            Some(end) => end.unknown_reason.clone(),
            None => "the session ended without its last response".to_owned(),
        };
        Ok(result)
    }

    /// The input of the session, for another task; None after `close_input`.
    pub fn input(&self) -> Option<Input> {
        self.input.clone()
    }

    /// Lets standard input end when the clones of `input` are dropped.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// The id of the exec, for `resize_exec` and `inspect_exec`; empty before the first output, and for attach.
    pub fn exec_id(&self) -> &str {
        &self.started.exec_id
    }

    /// Whether the process has a terminal.
    pub fn tty(&self) -> bool {
        self.started.tty
    }

    /// The exit code of the process; None before the end, and when it is not known.
    pub fn exit_code(&self) -> Option<i64> {
        self.end.as_ref()?.exit_code
    }

    /// The last response, after the end.
    pub fn end(&self) -> Option<&SessionEnd> {
        self.end.as_ref()
    }

    /// How many bytes of output are missing so far, because this program did not read in time.
    pub fn dropped_bytes(&self) -> u64 {
        self.dropped_bytes
    }
}

impl Input {
    /// Sends `data` to standard input; waits while much of the earlier input is not sent yet.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` when the session has ended.
    pub async fn write(&self, data: &[u8]) -> io::Result<()> {
        for piece in data.chunks(CHUNK) {
            self.send(Frame::Stdin(piece.to_vec())).await?;
        }
        Ok(())
    }

    /// Sends all of `source` to standard input, and then drops this.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` when the session has ended, and what `source` fails with.
    pub async fn feed(self, mut source: impl AsyncRead + Unpin) -> io::Result<()> {
        loop {
            let mut piece = Vec::with_capacity(CHUNK);
            tokio::select! {
                read = source.read_buf(&mut piece) => if read? == 0 { return Ok(()) },
                () = self.0.closed() => return Err(io::ErrorKind::BrokenPipe.into()),
            }
            self.send(Frame::Stdin(piece)).await?;
        }
    }

    /// Ends standard input; sizes can still be sent.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` when the session has ended.
    pub async fn close_stdin(&self) -> io::Result<()> {
        self.send(Frame::CloseStdin(CloseStdin {})).await
    }

    /// Sets the size of the terminal, in characters.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` when the session has ended.
    pub async fn resize(&self, height: u32, width: u32) -> io::Result<()> {
        self.send(Frame::Resize(TerminalSize { height, width })).await
    }

    async fn send(&self, frame: Frame) -> io::Result<()> {
        self.0.send(frame).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Calls {
    pub(crate) async fn session<Q: SessionRequest, R: SessionResponse>(
        &self,
        path: &'static str,
        start: Q::Start,
    ) -> Result<Session> {
        let (sender, mut receiver) = mpsc::channel(WAITING_WRITES);
        let requests = async_stream::stream! {
            yield Q::start(start);
            while let Some(frame) = receiver.recv().await {
                yield Q::input(frame);
            }
        };
        let deadline = self.deadline();
        let responses: Responses<R> = responses(self.open_both(path, requests, deadline).await?, deadline);
        Ok(Session {
            input: Some(Input(sender)),
            news: Responses::new(news(responses)),
            started: SessionStarted::default(),
            end: None,
            dropped_bytes: 0,
        })
    }
}

fn news<R: SessionResponse>(responses: Responses<R>) -> impl Stream<Item = Result<News>> {
    responses.filter_map(|response| response.map(R::into_news).transpose())
}
