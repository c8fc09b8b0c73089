//! A tour of the client: `tour HOST CONTAINER IMAGE`.  Standard input is the input of a command in the container.

use std::{env, error::Error, time::Duration};

use dockfleet::v1::{
    ContainerSpec, ExecStart, HostConfig, InspectContainerRequest, ListContainersRequest, PullImageRequest,
    RunContainerRequest, StreamLogsRequest, WaitContainerRequest, run_container_response::Record,
};
use dockfleet::{Fleet, Host, all_hosts, connect_from_environment, containers};
use tokio::io::stdin;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let [host, id, image] = env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "HOST CONTAINER IMAGE")?;
    let fleet = connect_from_environment()?;
    let host = fleet.host(host);
    list(&fleet, &host).await?;
    find(&fleet, &id).await?;
    logs(&host, &id).await?;
    exec(&host, &id).await?;
    run(&host, &image).await?;
    pull(&host, &image).await?;
    fail(&host, &id).await?;
    cancel(&host, &id).await?;
    Ok(())
}

/// The hosts of the fleet, and the containers of one.
async fn list(fleet: &Fleet, host: &Host) -> dockfleet::Result<()> {
    for host in fleet.hosts().list_hosts(Default::default()).await?.hosts {
        println!("host {} {:?}", host.name, host.state());
    }
    let request = ListContainersRequest { all: Some(true), ..Default::default() };
    for container in host.containers().list_containers(request).await?.containers {
        println!("container {} {}", container.names.join(","), container.state);
    }
    Ok(())
}

/// Where a container is, in the whole fleet.
async fn find(fleet: &Fleet, id: &str) -> dockfleet::Result<()> {
    let request = dockfleet::fleet::v1::FindContainersRequest {
        hosts: Some(all_hosts()),
        containers: Some(containers([id])),
        ..Default::default()
    };
    let mut responses = fleet.all().find_containers(request).await?;
    while let Some(response) = responses.message().await? {
        for answer in response.answers.iter().filter(|answer| !answer.containers.is_empty()) {
            println!("found on {}", answer.host);
        }
    }
    Ok(())
}

/// Three lines of the log.  It continues when the gateway restarts, or the connection breaks.
async fn logs(host: &Host, id: &str) -> dockfleet::Result<()> {
    let request = StreamLogsRequest { id: id.to_owned(), follow: Some(true), ..Default::default() };
    let mut log = host.logs(request).await?;
    for _ in 0..3 {
        let Some(entry) = log.message().await? else { break };
        println!("line {}", String::from_utf8_lossy(&entry.data));
    }
    Ok(())
}

/// A command with input, output and an exit code.
async fn exec(host: &Host, id: &str) -> dockfleet::Result<()> {
    let cmd = ["sh", "-c", "wc -c; exit 3"].map(str::to_owned).to_vec();
    let start = ExecStart { id: id.to_owned(), cmd, ..Default::default() };
    let result = host.execute_with(start, stdin()).await?;
    println!("exec {} {:?}", String::from_utf8_lossy(&result.stdout).trim(), result.exit_code);
    Ok(())
}

/// A new container: its output, and its exit code.
async fn run(host: &Host, image: &str) -> dockfleet::Result<()> {
    let config = ContainerSpec {
        image: Some(image.to_owned()),
        cmd: vec!["echo".to_owned(), "hello".to_owned()],
        host_config: Some(HostConfig { auto_remove: Some(true), ..Default::default() }),
        ..Default::default()
    };
    let request = RunContainerRequest { config: Some(config), ..Default::default() };
    let mut responses = host.containers().run_container(request).await?;
    while let Some(response) = responses.message().await? {
        match response.record {
            Some(Record::Output(output)) => print!("run {}", String::from_utf8_lossy(&output.data)),
            Some(Record::End(end)) => println!("run ended {:?}", end.exit_code),
            _ => (), // also what is newer than this program
        }
    }
    Ok(())
}

/// A pull, with its progress.
async fn pull(host: &Host, image: &str) -> dockfleet::Result<()> {
    let request = PullImageRequest { image: image.to_owned(), ..Default::default() };
    match pulled(host, request).await {
        Ok(reports) => println!("pulled, with {reports} reports"),
        Err(error) => println!("pull failed: {}", error.reason), // such as an image that no registry has
    }
    Ok(())
}

async fn pulled(host: &Host, request: PullImageRequest) -> dockfleet::Result<usize> {
    let mut responses = host.images().pull_image(request).await?;
    let mut reports = 0;
    while responses.message().await?.is_some() {
        reports += 1;
    }
    Ok(reports)
}

/// Failures: an object that is not there, and a deadline.
async fn fail(host: &Host, id: &str) -> dockfleet::Result<()> {
    let request = InspectContainerRequest { id: "no-such-container".to_owned(), ..Default::default() };
    if let Err(error) = host.containers().inspect_container(request).await {
        println!("error {} {:?} on {}", error.reason, error.code, error.host);
    }
    let request = WaitContainerRequest { id: id.to_owned(), ..Default::default() };
    let waited = host.with_timeout(Duration::from_millis(300)).containers().wait_container(request).await;
    if let Err(error) = waited {
        println!("deadline {:?}", error.code);
    }
    Ok(())
}

/// Leaving a stream: dropping it cancels the call.
async fn cancel(host: &Host, id: &str) -> dockfleet::Result<()> {
    let cmd = ["sh", "-c", "echo ready; sleep 1000"].map(str::to_owned).to_vec();
    let mut session = host.exec().exec(ExecStart { id: id.to_owned(), cmd, ..Default::default() }).await?;
    session.output().await?;
    drop(session);
    println!("cancelled");
    Ok(())
}
