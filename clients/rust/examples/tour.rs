//! A tour of the client: `tour HOST CONTAINER IMAGE`.

use std::{env, io::Cursor, process::ExitCode, time::Duration};

use dockfleet::v1::{
    ContainerSpec, ExecStart, HostConfig, InspectContainerRequest, ListContainersRequest, PullImageRequest,
    RunContainerRequest, StreamLogsRequest, WaitContainerRequest, run_container_response::Record,
};
use dockfleet::{Code, Fleet, Host, Result, connect_from_environment};

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let [host, id, image] = &words[..] else {
        eprintln!("usage: tour HOST CONTAINER IMAGE");
        return ExitCode::from(2);
    };
    let fleet = match connect_from_environment() {
        Ok(fleet) => fleet,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match tour(&fleet, &fleet.host(host), id, image).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {}: {}", name(error.code), error.reason, error.message);
            ExitCode::FAILURE
        }
    }
}

async fn tour(fleet: &Fleet, host: &Host, id: &str, image: &str) -> Result<()> {
    list(fleet, host).await?;
    logs(host, id).await?;
    exec(host, id).await?;
    run(host, image).await?;
    pull(host, image).await;
    fail(host, id).await;
    cancel(host, id).await
}

/// The hosts of the fleet, and the containers of one.
async fn list(fleet: &Fleet, host: &Host) -> Result<()> {
    for host in fleet.hosts().list_hosts(Default::default()).await?.hosts {
        // A state that is newer than this program is HOST_STATE_UNSPECIFIED.
        println!("host {} {}", host.name, host.state().as_str_name().trim_start_matches("HOST_STATE_"));
    }
    let request = ListContainersRequest { all: Some(true), ..Default::default() };
    for container in host.containers().list_containers(request).await?.containers {
        println!("container {} {}", container.names[0].trim_start_matches('/'), container.state);
    }
    Ok(())
}

/// Two lines of the log.  It continues when the gateway restarts, or the connection breaks.
async fn logs(host: &Host, id: &str) -> Result<()> {
    let request = StreamLogsRequest { id: id.to_owned(), follow: Some(true), tail: Some(2), ..Default::default() };
    let mut log = host.logs(request).await?;
    for _ in 0..2 {
        let Some(entry) = log.message().await? else { break };
        println!("line {}", String::from_utf8_lossy(&entry.data));
    }
    Ok(()) // the log is dropped here, which cancels the call
}

/// A command with input, output and an exit code.
async fn exec(host: &Host, id: &str) -> Result<()> {
    let start = ExecStart { id: id.to_owned(), cmd: words(&["wc", "-c"]), ..Default::default() };
    let result = host.execute_with(start, Cursor::new("hello\n")).await?;
    println!("exec {} {}", String::from_utf8_lossy(&result.stdout).trim(), result.exit_code.unwrap_or(-1));
    Ok(())
}

/// A new container: its output, and its exit code.
async fn run(host: &Host, image: &str) -> Result<()> {
    let config = ContainerSpec {
        image: Some(image.to_owned()),
        cmd: words(&["sh", "-c", "echo hello; exit 3"]),
        host_config: Some(HostConfig { auto_remove: Some(true), ..Default::default() }),
        ..Default::default()
    };
    let request = RunContainerRequest { config: Some(config), ..Default::default() };
    let mut responses = host.containers().run_container(request).await?;
    let mut text = String::new();
    while let Some(response) = responses.message().await? {
        match response.record {
            Some(Record::Output(output)) => text += &String::from_utf8_lossy(&output.data),
            Some(Record::End(end)) => println!("run {} {}", text.trim(), end.exit_code.unwrap_or(-1)),
            _ => (), // also what is newer than this program
        }
    }
    Ok(())
}

/// A pull, with its progress.
async fn pull(host: &Host, image: &str) {
    let pulled = async {
        let request = PullImageRequest { image: image.to_owned(), ..Default::default() };
        let mut reports = host.images().pull_image(request).await?;
        while reports.message().await?.is_some() {}
        Result::Ok(())
    };
    match pulled.await {
        Ok(()) => println!("pull done"),
        Err(error) => println!("pull {}", error.reason),
    }
}

/// Failures: an object that is not there, and a deadline.
async fn fail(host: &Host, id: &str) {
    let request = InspectContainerRequest { id: "no-such-container".to_owned(), ..Default::default() };
    if let Err(error) = host.containers().inspect_container(request).await {
        println!("error {} {}", name(error.code), error.reason);
    }
    let request = WaitContainerRequest { id: id.to_owned(), ..Default::default() };
    let waited = host.with_timeout(Duration::from_millis(500)).containers().wait_container(request).await;
    if let Err(error) = waited {
        println!("deadline {}", name(error.code));
    }
}

/// Leaving a session: dropping it cancels the call, and kills the command.
async fn cancel(host: &Host, id: &str) -> Result<()> {
    let cmd = words(&["sh", "-c", "echo started; sleep 1000"]);
    let mut session = host.exec().exec(ExecStart { id: id.to_owned(), cmd, ..Default::default() }).await?;
    session.output().await?;
    drop(session);
    println!("cancelled");
    Ok(())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// The name of a code as the contract writes it; tonic has none.
fn name(code: Code) -> String {
    match code {
        Code::NotFound => "NOT_FOUND".to_owned(),
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED".to_owned(),
        other => format!("{other:?}").to_uppercase(),
    }
}
