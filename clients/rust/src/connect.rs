use std::{env, fs, io, iter::successors, net::Ipv6Addr, path::Path, path::PathBuf, time::Duration};

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use crate::{Fleet, calls::Calls};

const DEFAULT_ADDRESS: &str = "127.0.0.1:50051";
const NOT_SENT: &str = "the token has characters that cannot be sent: blanks, line breaks, or others than ASCII";
const DEFAULT_PORT: &str = "50051";

/// What proves who is who on the way to a gateway.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// Whether to use TLS and to trust the public authorities.  Each of the next three also turns TLS on.
    pub tls: bool,
    /// The PEM file of the authorities to trust.
    pub tls_ca: Option<PathBuf>,
    /// The PEM file of this client's certificate; together with `tls_key`.
    pub tls_cert: Option<PathBuf>,
    /// The PEM file of the private key.
    pub tls_key: Option<PathBuf>,
    /// A token that is sent with every call, over TLS only.
    pub token: Option<String>,
}

/// Returns the fleet of the gateway at `address`: `HOST:PORT`, `HOST` for port 50051, or `unix:///PATH`.  Nothing is
/// sent before the first call.  A runtime of tokio must be there.
///
/// # Errors
///
/// A file that cannot be read, a malformed address, and options that do not fit together.
pub fn connect(address: &str, options: &ConnectOptions) -> io::Result<Fleet> {
    let tls = tls(options)?;
    let uri = uri(address, if tls.is_some() { "https" } else { "http" })?;
    if options.token.is_some() && tls.is_none() {
        return Err(invalid("a token is sent over TLS only: set tls or tls_ca"));
    }
    let mut endpoint = Endpoint::from_shared(uri)
        .map_err(invalid)?
        .connect_timeout(Duration::from_secs(20))
        .http2_keep_alive_interval(Duration::from_secs(30)) // the gateway allows pings every 10 s
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true);
    if let Some(tls) = tls {
        endpoint = endpoint.tls_config(tls).map_err(|error| {
            let causes = successors(std::error::Error::source(&error), |cause| cause.source()).map(ToString::to_string);
            invalid(format!("the certificate and its key cannot be used: {}", causes.collect::<Vec<_>>().join(": ")))
        })?;
    }
    let token = (options.token.as_ref())
        .map(|token| match token.bytes().all(|sign| sign.is_ascii_graphic()) {
            true => format!("Bearer {token}").parse::<MetadataValue<Ascii>>().map_err(invalid),
            false => Err(invalid(NOT_SENT)),
        })
        .transpose()?;
    Ok(Fleet::new(Calls::new(address, endpoint.connect_lazy(), endpoint.connect_lazy(), token)))
}

/// Returns the fleet of the gateway that the environment names: `DOCKFLEET_ADDRESS`, `_TLS_CA`, `_TLS_CERT`, `_TLS_KEY`
/// and `_TOKEN`.
///
/// # Errors
///
/// As [`connect`].
pub fn connect_from_environment() -> io::Result<Fleet> {
    let of = |name: &str| env::var(format!("DOCKFLEET_{name}")).ok().filter(|value| !value.is_empty());
    let file = |name: &str| of(name).map(PathBuf::from);
    let options = ConnectOptions {
        tls: false,
        tls_ca: file("TLS_CA"),
        tls_cert: file("TLS_CERT"),
        tls_key: file("TLS_KEY"),
        token: of("TOKEN"),
    };
    connect(&of("ADDRESS").unwrap_or_else(|| DEFAULT_ADDRESS.to_owned()), &options)
}

/// The URI of an address, with the default port when it has none.
fn uri(address: &str, scheme: &str) -> io::Result<String> {
    if address.trim().is_empty() {
        return Err(invalid("the address of the gateway is empty: HOST:PORT is wanted"));
    }
    if address.starts_with("unix:///") {
        return Ok(address.to_owned());
    }
    if let Some((other, _)) = address.split_once("://") {
        return Err(invalid(format!("the address of the gateway is HOST:PORT, without {other}://: {address:?}")));
    }
    if address.parse::<Ipv6Addr>().is_ok() {
        return Ok(format!("{scheme}://[{address}]:{DEFAULT_PORT}"));
    }
    let with_port = address.rsplit_once(':').filter(|_| !address.ends_with(']'));
    let (host, port) = with_port.unwrap_or((address, DEFAULT_PORT));
    let good = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(ip) => ip.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains(|sign: char| sign.is_whitespace() || ":/@[]".contains(sign)),
    };
    if !good || !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(invalid(format!("the address of the gateway is HOST:PORT: {address:?}")));
    }
    Ok(format!("{scheme}://{host}:{port}"))
}

fn tls(options: &ConnectOptions) -> io::Result<Option<ClientTlsConfig>> {
    let ConnectOptions { tls, tls_ca, tls_cert, tls_key, .. } = options;
    let mut config = ClientTlsConfig::new();
    config = match tls_ca {
        Some(path) => config.ca_certificate(Certificate::from_pem(pem(path)?)),
        None => config.with_native_roots(),
    };
    match (tls_cert, tls_key) {
        (Some(cert), Some(key)) => config = config.identity(Identity::from_pem(pem(cert)?, pem(key)?)),
        (None, None) => (),
        _ => return Err(invalid("tls_cert and tls_key belong together")),
    }
    Ok((*tls || tls_ca.is_some() || tls_cert.is_some()).then_some(config))
}

/// The text of a PEM file.
fn pem(path: &Path) -> io::Result<String> {
    let text = fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    if text.contains("-----BEGIN ") { Ok(text) } else { Err(invalid(format!("{} is no PEM file", path.display()))) }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
