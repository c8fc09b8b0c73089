//! The contract of dockfleet: messages and clients, generated from the protos at build time.

/// `dockfleet.v1`: what one host can do.
pub mod v1 {
    tonic::include_proto!("dockfleet.v1");
}

/// What the fleet can do.
pub mod fleet {
    /// `dockfleet.fleet.v1`.
    pub mod v1 {
        tonic::include_proto!("dockfleet.fleet.v1");
    }
}

/// The options with which the protos describe their RPCs and fields.
pub mod options {
    /// `dockfleet.options.v1`.
    pub mod v1 {
        tonic::include_proto!("dockfleet.options.v1");
    }
}
