//! Generates the code of the contract.  protox compiles the protos, so no protoc is needed.

use std::{error::Error, fs, path::PathBuf};

const PROTOS: &str = "../../protos";
const PACKAGES: [&str; 3] = ["dockfleet/v1", "dockfleet/fleet/v1", "dockfleet/options/v1"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for package in PACKAGES {
        let folder = format!("{PROTOS}/{package}");
        println!("cargo::rerun-if-changed={folder}");
        for entry in fs::read_dir(folder)? {
            files.push(entry?.path());
        }
    }
    let contract = protox::compile(files, [PROTOS])?;
    tonic_prost_build::configure().build_server(false).compile_fds(contract)?;
    Ok(())
}
