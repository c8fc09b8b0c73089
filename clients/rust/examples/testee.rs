//! The testee of the conformance suite: see clients/conformance/README.md.

use std::{env, process::ExitCode, time::Duration};

use dockfleet::fleet::v1::{
    FindContainersRequest, HostState, ListHostsRequest, RestartContainersRequest, StreamLogsRequest as FollowRequest,
    log_record::Record as LogRecord, restart_containers_result::Result as Restarted,
};
use dockfleet::v1::{
    ContainerSpec, ContainerSummary, ErrorReason, ExecStart, Gap, GapReason, GetContainerArchiveRequest, HostConfig,
    InspectContainerRequest, ListContainersRequest, LogEndReason, LogEntry, PullImageRequest, PutContainerArchiveStart,
    RunContainerRequest, StandardStream, StreamEventsRequest, StreamLogsRequest, StreamStatsRequest,
    WaitContainerRequest, run_container_response, stream_events_response, stream_logs_response, stream_stats_response,
};
use dockfleet::{Code, Error, Fleet, Result, all_hosts, connect_from_environment, containers, label, reader};
use tokio::io::{AsyncReadExt, stdin};

macro_rules! say {
    ($($words:tt)*) => { println!($($words)*) };
}

/// The name of a value without its prefix, or its number.
fn word<E: TryFrom<i32>>(value: i32, prefix: &str, name: fn(&E) -> &'static str) -> String {
    match E::try_from(value) {
        Ok(known) => name(&known).trim_start_matches(prefix).to_owned(),
        Err(_) => value.to_string(),
    }
}

fn output(stream: i32) -> String {
    word(stream, "STANDARD_STREAM_", StandardStream::as_str_name).to_lowercase()
}

fn reason(value: i32) -> String {
    word(value, "ERROR_REASON_", ErrorReason::as_str_name)
}

fn exit(code: Option<i64>) -> String {
    code.map_or("unknown".to_owned(), |code| code.to_string())
}

fn say_gap(gap: &Gap) {
    say!("gap {} {}", word(gap.reason, "GAP_REASON_", GapReason::as_str_name), gap.count);
}

fn say_line(place: &str, entry: &LogEntry) {
    say!("line {place}{} {}", output(entry.stream), String::from_utf8_lossy(&entry.data));
}

fn say_container(host: &str, container: &ContainerSummary) {
    let name = container.names.first().map_or("", |name| name.trim_start_matches('/'));
    say!("container {host} {name} {} {}", container.state, container.size_rw_bytes.unwrap_or_default());
}

fn say_output(kind: &str, data: &[u8]) {
    for line in String::from_utf8_lossy(data).lines() {
        say!("{kind} {line}");
    }
}

async fn hosts(fleet: &Fleet) -> Result<()> {
    for host in fleet.hosts().list_hosts(ListHostsRequest::default()).await?.hosts {
        say!("host {} {}", host.name, word(host.state, "HOST_STATE_", HostState::as_str_name));
    }
    Ok(())
}

async fn ps(fleet: &Fleet) -> Result<()> {
    for host in fleet.hosts().list_hosts(ListHostsRequest::default()).await?.hosts {
        let request = ListContainersRequest { all: Some(true), ..Default::default() };
        for container in fleet.host(&host.name).containers().list_containers(request).await?.containers {
            say_container(&host.name, &container);
        }
    }
    Ok(())
}

/// How many lines are wanted: 0 means all.
fn wanted(count: &str) -> u64 {
    count.parse().ok().filter(|&count| count > 0).unwrap_or(u64::MAX)
}

async fn logs(fleet: &Fleet, host: &str, id: &str, count: &str) -> Result<()> {
    use stream_logs_response::Record;
    let mut left = wanted(count);
    let request = StreamLogsRequest { id: id.to_owned(), follow: Some(true), ..Default::default() };
    let mut responses = fleet.host(host).containers().stream_logs(request).await?;
    while let Some(response) = responses.message().await? {
        match response.record {
            Some(Record::Gap(gap)) => say_gap(&gap),
            Some(Record::End(end)) => {
                let reason = word(end.reason, "LOG_END_REASON_", LogEndReason::as_str_name);
                say!("end {reason} {}", exit(end.exit_code));
            }
            Some(Record::Batch(batch)) => {
                for entry in batch.entries {
                    say_line("", &entry);
                    left -= 1;
                    if left == 0 {
                        return Ok(());
                    }
                }
            }
            _ => (),
        }
    }
    Ok(())
}

async fn events(fleet: &Fleet, host: &str, count: &str) -> Result<()> {
    use stream_events_response::Record;
    let mut left = wanted(count);
    let mut responses = fleet.host(host).system().stream_events(StreamEventsRequest::default()).await?;
    while let Some(response) = responses.message().await? {
        match response.record {
            Some(Record::Gap(gap)) => say_gap(&gap),
            Some(Record::Event(event)) => {
                say!("event {} {} {}", event.r#type, event.action, event.actor.unwrap_or_default().id);
                left -= 1;
            }
            _ => (),
        }
        if left == 0 {
            break;
        }
    }
    Ok(())
}

async fn stats(fleet: &Fleet, host: &str, id: &str, count: &str) -> Result<()> {
    use stream_stats_response::Record;
    let mut left = wanted(count);
    let request = StreamStatsRequest { id: id.to_owned(), ..Default::default() };
    let mut responses = fleet.host(host).containers().stream_stats(request).await?;
    while let Some(response) = responses.message().await? {
        match response.record {
            Some(Record::NotRunning(_)) => say!("not-running"),
            Some(Record::Stats(stats)) => {
                say!("stats {}", stats.summary.unwrap_or_default().memory_bytes);
                left -= 1;
            }
            _ => (),
        }
        if left == 0 {
            break;
        }
    }
    Ok(())
}

async fn exec(fleet: &Fleet, host: &str, id: &str, cmd: &[String]) -> Result<()> {
    let start = ExecStart { id: id.to_owned(), cmd: cmd.to_vec(), ..Default::default() };
    let result = fleet.host(host).execute_with(start, stdin()).await?;
    say_output("stdout", &result.stdout);
    say_output("stderr", &result.stderr);
    say!("exit {}", exit(result.exit_code));
    Ok(())
}

async fn run(fleet: &Fleet, host: &str, image: &str, cmd: &[String]) -> Result<()> {
    use run_container_response::Record;
    let config = ContainerSpec {
        image: Some(image.to_owned()),
        cmd: cmd.to_vec(),
        host_config: Some(HostConfig { auto_remove: Some(true), ..Default::default() }),
        ..Default::default()
    };
    let request = RunContainerRequest { config: Some(config), ..Default::default() };
    let (mut stdout, mut stderr, mut code) = (Vec::new(), Vec::new(), None);
    let mut responses = fleet.host(host).containers().run_container(request).await?;
    while let Some(response) = responses.message().await? {
        match response.record {
            Some(Record::Output(chunk)) if chunk.stream() == StandardStream::Stderr => stderr.extend(chunk.data),
            Some(Record::Output(chunk)) => stdout.extend(chunk.data),
            Some(Record::End(end)) => code = end.exit_code,
            _ => (),
        }
    }
    say_output("stdout", &stdout);
    say_output("stderr", &stderr);
    say!("exit {}", exit(code));
    Ok(())
}

async fn pull(fleet: &Fleet, host: &str, image: &str) -> Result<()> {
    let request = PullImageRequest { image: image.to_owned(), ..Default::default() };
    let mut responses = fleet.host(host).images().pull_image(request).await?;
    while let Some(response) = responses.message().await? {
        say!("progress {}", response.progress.unwrap_or_default().status);
    }
    say!("done");
    Ok(())
}

async fn upload(fleet: &Fleet, host: &str, id: &str, path: &str) -> Result<()> {
    let start = PutContainerArchiveStart { id: id.to_owned(), path: Some(path.to_owned()), ..Default::default() };
    fleet.host(host).containers().put_container_archive(start, stdin()).await?;
    say!("done");
    Ok(())
}

async fn download(fleet: &Fleet, host: &str, id: &str, path: &str) -> Result<()> {
    let request = GetContainerArchiveRequest { id: id.to_owned(), path: Some(path.to_owned()), ..Default::default() };
    let mut bytes = Vec::new();
    let responses = fleet.host(host).containers().get_container_archive(request).await?;
    match reader(responses).read_to_end(&mut bytes).await {
        Ok(size) => say!("downloaded {size}"),
        Err(error) => return Err(error.downcast::<Error>().expect("the failure of the call")),
    }
    Ok(())
}

async fn error(fleet: &Fleet, host: &str, id: &str) -> Result<()> {
    let request = InspectContainerRequest { id: id.to_owned(), ..Default::default() };
    let container = fleet.host(host).containers().inspect_container(request).await?.container.unwrap_or_default();
    say!("container {}", container.name.trim_start_matches('/'));
    Ok(())
}

async fn deadline(fleet: &Fleet, host: &str, id: &str, seconds: &str) -> Result<()> {
    let host = fleet.host(host).with_timeout(Duration::from_secs_f64(seconds.parse().expect("SECONDS")));
    let request = WaitContainerRequest { id: id.to_owned(), ..Default::default() };
    say!("exit {}", exit(host.containers().wait_container(request).await?.exit_code));
    Ok(())
}

async fn cancel(fleet: &Fleet, host: &str, id: &str, cmd: &[String]) -> Result<()> {
    if cmd.is_empty() {
        logs(fleet, host, id, "1").await?;
    } else {
        let start = ExecStart { id: id.to_owned(), cmd: cmd.to_vec(), ..Default::default() };
        let mut session = fleet.host(host).exec().exec(start).await?;
        if let Some(output) = session.output().await? {
            say_output("stdout", &output.data);
        }
    }
    say!("cancelled");
    hosts(fleet).await
}

async fn find(fleet: &Fleet, name: &str) -> Result<()> {
    let request =
        FindContainersRequest { hosts: Some(all_hosts()), containers: Some(containers([name])), ..Default::default() };
    let mut responses = fleet.all().find_containers(request).await?;
    while let Some(response) = responses.message().await? {
        for answer in &response.answers {
            answer.containers.iter().for_each(|container| say_container(&answer.host, container));
        }
        for failed in response.summary.unwrap_or_default().failures {
            say!("failure {} {}", failed.host, reason(failed.failure.unwrap_or_default().reason));
        }
    }
    Ok(())
}

async fn follow(fleet: &Fleet, requirement: &str, count: &str) -> Result<()> {
    let mut left = wanted(count);
    let mut chosen = containers::<String>([]);
    chosen.labels.push(label(requirement));
    let request = FollowRequest {
        hosts: Some(all_hosts()),
        containers: Some(chosen),
        request: Some(StreamLogsRequest { follow: Some(true), ..Default::default() }),
        ..Default::default()
    };
    let mut responses = fleet.all().stream_logs(request).await?;
    while let Some(response) = responses.message().await? {
        for record in response.records {
            let place = format!("{} {} ", record.host, record.container_name);
            let Some(LogRecord::Batch(batch)) = record.record else { continue };
            for entry in batch.entries {
                say_line(&place, &entry);
                left -= 1;
                if left == 0 {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

async fn restart(fleet: &Fleet, requirement: &str) -> Result<()> {
    let mut chosen = containers::<String>([]);
    chosen.labels.push(label(requirement));
    let request = RestartContainersRequest { hosts: Some(all_hosts()), containers: Some(chosen), ..Default::default() };
    let mut responses = fleet.all().restart_containers(request).await?;
    while let Some(response) = responses.message().await? {
        for result in response.results {
            let target = result.target.unwrap_or_default();
            let what = match result.result {
                Some(Restarted::Response(_)) => "ok".to_owned(),
                Some(Restarted::Failure(failure)) => reason(failure.reason),
                _ => "skipped".to_owned(),
            };
            say!("result {} {} {what}", target.host, target.container_name);
        }
        if let Some(summary) = response.summary {
            say!("summary {} {} {}", summary.succeeded, summary.failed, summary.skipped);
        }
    }
    Ok(())
}

fn say_error(error: &Error) {
    eprintln!("{error}");
    let or = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    say!("error {} {} {} {}", code(error.code), or(&error.reason), or(&error.host), error.retry_safe);
    if let Some(resource) = &error.resource {
        say!("resource {} {}", resource.kind, resource.name);
    }
    for violation in &error.violations {
        say!("violation {}", violation.field);
    }
    if let Some(after) = error.retry_after {
        say!("retry-after {}", after.as_secs());
    }
}

/// The name of a code as the contract writes it: `NOT_FOUND`.
fn code(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let fleet = match connect_from_environment() {
        Ok(fleet) => fleet,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let of = |index: usize| words.get(index).map_or("", String::as_str);
    let cmd = words.get(3..).unwrap_or_default();
    let done = match of(0) {
        "hosts" => hosts(&fleet).await,
        "ps" => ps(&fleet).await,
        "logs" => logs(&fleet, of(1), of(2), of(3)).await,
        "events" => events(&fleet, of(1), of(2)).await,
        "stats" => stats(&fleet, of(1), of(2), of(3)).await,
        "exec" => exec(&fleet, of(1), of(2), cmd).await,
        "run" => run(&fleet, of(1), of(2), cmd).await,
        "pull" => pull(&fleet, of(1), of(2)).await,
        "upload" => upload(&fleet, of(1), of(2), of(3)).await,
        "download" => download(&fleet, of(1), of(2), of(3)).await,
        "error" => error(&fleet, of(1), of(2)).await,
        "deadline" => deadline(&fleet, of(1), of(2), of(3)).await,
        "cancel" => cancel(&fleet, of(1), of(2), cmd).await,
        "find" => find(&fleet, of(1)).await,
        "follow" => follow(&fleet, of(1), of(2)).await,
        "restart" => restart(&fleet, of(1)).await,
        _ => return ExitCode::from(2),
    };
    let code = match done {
        Ok(()) => 0,
        Err(error) => {
            say_error(&error);
            1
        }
    };
    std::process::exit(code) // a read of standard input may be left waiting
}
