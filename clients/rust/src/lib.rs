//! Many Docker hosts over one gRPC gateway: see the README.

mod calls;
mod connect;
mod error;
mod fleet_view;
mod responses;
mod resuming;
mod selectors;
pub mod services;
mod session;

pub use connect::{ConnectOptions, connect, connect_from_environment};
pub use error::{Error, Failure, Resource, Result, Violation};
pub use fleet_view::{Fleet, Host};
pub use responses::{Responses, reader};
pub use resuming::may_resume;
pub use selectors::{all_containers, all_hosts, containers, hosts, label};
pub use session::{ExecResult, Input, Session};
pub use tonic::{self, Code};

/// `dockfleet.v1`: what one host can do.
#[allow(clippy::all, rustdoc::all)]
pub mod v1 {
    include!("generated/dockfleet.v1.rs");
}

/// What the fleet can do.
pub mod fleet {
    /// `dockfleet.fleet.v1`.
    #[allow(clippy::all, rustdoc::all)]
    pub mod v1 {
        include!("generated/dockfleet.fleet.v1.rs");
    }
}
