//! Generates the code of the contract: `generate DESCRIPTORS FOLDER`.  It is a crate of its own, so that programs which
//! use the client need not build the generator.

use std::{env, error::Error, fs};

use prost::Message;
use prost_types::FileDescriptorSet;

fn main() -> Result<(), Box<dyn Error>> {
    let [descriptors, folder] = env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "DESCRIPTORS FOLDER")?;
    let contract = FileDescriptorSet::decode(&fs::read(descriptors)?[..])?;
    fs::create_dir_all(&folder)?;
    tonic_prost_build::configure().build_server(false).build_transport(false).out_dir(folder).compile_fds(contract)?;
    Ok(())
}
