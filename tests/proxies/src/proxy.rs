//! The proxies, set up as deploy/ says but for addresses, files and patience.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::gateway::Gateway;
use crate::process::Process;
use crate::tls::Certificate;

/// A proxy, ended when it goes out of scope.
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// The certificate by which it speaks TLS.
    pub(crate) certificate: Option<Certificate>,
    _process: Process,
}

impl Proxy {
    /// nginx by deploy/nginx.conf.
    pub(crate) async fn nginx(deploy: &Path, work: &Path, gateways: [&Gateway; 2]) -> Self {
        let [one, two] = gateways.map(|gateway| gateway.address.to_string());
        let (address, certificate) = (free_address(), Certificate::new());
        let folder = work.display();
        let (pem, key) = (work.join("gateway.pem"), work.join("gateway.key"));
        certificate.write(&pem, &key);
        let config = Config::read(&deploy.join("nginx.conf"))
            .replace(2, "127.0.0.1:8081", &one)
            .replace(2, "127.0.0.1:8082", &two)
            .replace(
                1,
                "listen 443 ssl http2;",
                &format!("listen {address} ssl http2;"),
            )
            .replace(1, "/etc/ssl/private/gateway.pem", &pem.to_string_lossy())
            .replace(1, "/etc/ssl/private/gateway.key", &key.to_string_lossy())
            .replace(5, "1h;", "5s;")
            // What Debian's own nginx.conf says, and where to write if that is not for everybody.
            .replace(
                1,
                "http {",
                &format!("http {{ access_log off; {}", temporary(work)),
            );
        let config = config.write(work.join("nginx.conf"));
        let directives = format!("daemon off; pid {folder}/nginx.pid;");
        let mut command =
            Command::new(env::var_os("NGINX_BIN").expect("NGINX_BIN names no program"));
        command
            .args(["-e", "stderr", "-p"])
            .arg(work)
            .arg("-c")
            .arg(config)
            .args(["-g", &directives]);
        let mut process = Process::start("nginx", &mut command, work);
        process.listens(address).await;
        Self {
            name: "nginx",
            address,
            certificate: Some(certificate),
            _process: process,
        }
    }

    /// HAProxy by deploy/haproxy.cfg.
    pub(crate) async fn haproxy(deploy: &Path, work: &Path, gateways: [&Gateway; 2]) -> Self {
        let address = free_address();
        let [one, two] = gateways.map(|gateway| {
            let Gateway { address, admin, .. } = gateway;
            format!("{address} port {}", admin.port())
        });
        let config = Config::read(&deploy.join("haproxy.cfg"))
            .replace(2, "127.0.0.1:8081 port 9091", &one)
            .replace(2, "127.0.0.1:8082 port 9092", &two)
            // Each takes two descriptors, which not every machine has.
            .replace(1, "maxconn 20000", "maxconn 1000")
            .replace(1, "bind :8080", &format!("bind {address}"))
            .replace(1, "client  1h", "client  5s")
            .replace(1, "server  1h", "server  5s")
            .replace(1, "tunnel  70s", "tunnel  5s")
            .write(work.join("haproxy.cfg"));
        let mut command =
            Command::new(env::var_os("HAPROXY_BIN").expect("HAPROXY_BIN names no program"));
        command.arg("-db").arg("-f").arg(config);
        let mut process = Process::start("haproxy", &mut command, work);
        process.listens(address).await;
        Self {
            name: "HAProxy",
            address,
            certificate: None,
            _process: process,
        }
    }
}

/// The text of an example, of which only what must be is changed.
struct Config(String);

impl Config {
    fn read(path: &Path) -> Self {
        Self(fs::read_to_string(path).unwrap())
    }

    /// Replaces what is there so many times: else the example is another one than this expects.
    fn replace(self, times: usize, from: &str, to: &str) -> Self {
        assert_eq!(self.0.matches(from).count(), times, "{from}");
        Self(self.0.replace(from, to))
    }

    fn write(self, path: PathBuf) -> PathBuf {
        fs::write(&path, self.0).unwrap();
        path
    }
}

/// nginx's folders for bodies, which by default are the system's.
fn temporary(work: &Path) -> String {
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let lines = folders.map(|name| format!("{name}_temp_path {}/{name};", work.display()));
    lines.join(" ")
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}
