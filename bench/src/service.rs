//! The service under measurement: the real program, optimised, as a process of its own with its own settings.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Done;

/// How long the service may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a service is started.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program.
    pub program: PathBuf,
    /// A folder for its key and log.
    pub folder: PathBuf,
    /// Its database.
    pub database_url: String,
}

/// A service that runs; it is stopped when this is dropped.
#[derive(Debug)]
pub struct Service {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process until `/readyz` said yes.
    pub ready_after: Duration,
}

impl Setup {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .env_clear()
            .env("POSTERN_DATABASE_URL", &self.database_url)
            .env("POSTERN_DEV", "1")
            // One client writes for all patients as fast as it can.
            .env("POSTERN_RATE", "1000000")
            .env("POSTERN_RATE_SYSTEM", "1000000")
            .env("POSTERN_DEV_KEY", self.folder.join("key.p8"))
            .env("POSTERN_AUDIT_KEY", self.folder.join("audit-key"))
            .stdin(Stdio::null());
        command
    }

    fn answer(&self, words: &[&str]) -> Done<String> {
        let output = self.command(words).output()?;
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)?.trim().to_owned())
        } else {
            Err(format!("postern {} failed: {}", words.join(" "), String::from_utf8_lossy(&output.stderr)).into())
        }
    }

    /// Its version.
    pub fn version(&self) -> Done<String> {
        self.answer(&["--version"])
    }

    /// Brings its database to its version.
    pub fn migrate(&self) -> Done<()> {
        self.answer(&["migrate"]).map(drop)
    }

    /// Fills its database with a month in which patients write so many messages.
    pub fn seed(&self, messages: usize) -> Done<()> {
        self.answer(&["seed", "--messages", &messages.to_string()]).map(drop)
    }

    /// Replays what is stored under the bundle in force and under another; the report, and how long the command took.
    pub fn simulate(&self, bundle: &Path, from: &str, to: &str) -> Done<(String, Duration)> {
        let bundle = bundle.display().to_string();
        let started = Instant::now();
        let report = self.answer(&["policy", "simulate", "--bundle", &bundle, "--from", from, "--to", to])?;
        Ok((report, started.elapsed()))
    }

    /// A patient's token.
    pub fn patient_token(&self, id: &str) -> Done<String> {
        self.answer(&["token", "--patient", id])
    }

    /// The token of a client that acts for itself.
    pub fn system_token(&self, client: &str) -> Done<String> {
        self.answer(&["token", "--system", client])
    }

    /// Starts the service and waits until it is ready.
    pub fn start(&self) -> Done<Service> {
        let (address, metrics) = (free_address()?, free_address()?);
        // Logging is part of what a request costs: as it is by default, to a file.
        let log = File::options().create(true).append(true).open(self.folder.join("server.log"))?;
        let started = Instant::now();
        let child = self
            .command(&["serve"])
            .env("POSTERN_LISTEN", address.to_string())
            .env("POSTERN_METRICS_LISTEN", metrics.to_string())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut service = Service { child, address, ready_after: Duration::ZERO };
        while !is_ready(address) {
            if let Some(status) = service.child.try_wait()? {
                return Err(format!("the service ended with {status}; {}", self.last_words()).into());
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("the service is not ready after {PATIENCE:?}; {}", self.last_words()).into());
            }
            sleep(Duration::from_millis(1));
        }
        service.ready_after = started.elapsed();
        Ok(service)
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        format!("its log ends: {}", log.lines().last().unwrap_or("with nothing"))
    }
}

impl Service {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // What it has answered is durable, so that it needs no farewell. One that has ended already cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that is removed with everything in it.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new folder for this process.
    pub fn new() -> Done<Self> {
        let path = std::env::temp_dir().join(format!("postern-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}

/// An address of this machine that nobody listens on just now.
fn free_address() -> Done<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok::<_, std::io::Error>(head.ends_with(b"200"))
    };
    ask().unwrap_or(false)
}
