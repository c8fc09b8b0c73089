//! Prints "HOST NAME STATE" for the containers of the hosts given as arguments, or of all hosts.

use std::{env, process::ExitCode};

use dockfleet::fleet::v1::{ListHostsRequest, host_service_client::HostServiceClient};
use dockfleet::v1::{ContainerSummary, ListContainersRequest, container_service_client::ContainerServiceClient};
use tonic::{Status, transport::Endpoint};
use tonic_types::StatusExt;

/// A long list is larger than gRPC's own limit of 4 MiB.
const MAX_MESSAGE_BYTES: usize = 64 << 20;

#[tokio::main]
async fn main() -> ExitCode {
    match list(env::args().skip(1).collect()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(status) => {
            eprintln!("{:?}{}: {}", status.code(), reason(&status), status.message());
            ExitCode::FAILURE
        }
    }
}

async fn list(mut hosts: Vec<String>) -> Result<(), Status> {
    let address = env::var("DOCKFLEET_ADDRESS").unwrap_or("127.0.0.1:50051".to_owned());
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|error| Status::invalid_argument(format!("DOCKFLEET_ADDRESS: {error}")))?
        .connect_lazy();
    if hosts.is_empty() {
        let response = HostServiceClient::new(channel.clone()).list_hosts(ListHostsRequest::default()).await?;
        hosts = response.into_inner().hosts.into_iter().map(|host| host.name).collect();
    }
    let mut containers = ContainerServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES);
    for host in hosts {
        let request = ListContainersRequest { host: host.clone(), all: Some(true), ..Default::default() };
        for container in containers.list_containers(request).await?.into_inner().containers {
            println!("{host} {} {}", name(&container), container.state);
        }
    }
    Ok(())
}

/// The first name without its slash, or the id of a container that has no name any more.
fn name(container: &ContainerSummary) -> &str {
    container.names.first().map_or(&container.id, |name| name.trim_start_matches('/'))
}

/// The reason that dockfleet gives, after a space; empty when the error does not come from the gateway.
fn reason(status: &Status) -> String {
    match status.get_details_error_info() {
        Some(info) if info.domain == "dockfleet" => format!(" {}", info.reason),
        _ => String::new(),
    }
}
