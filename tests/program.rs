//! The real binary, started, killed and started again.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use api::auth::DevelopmentIssuer;
use serde_json::Value;
use server::clock::SystemTime;

use crate::client::Client;
use crate::house::variables;
use crate::place::{Database, Place};

/// The longest time that a program is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A `postern serve` of a place. It is killed when dropped.
pub struct Program {
    child: Child,
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    place_key: PathBuf,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// The binary, built beside this test.
pub fn binary() -> PathBuf {
    let own = env::current_exe().unwrap();
    let path = own.parent().and_then(|deps| deps.parent()).unwrap().join("postern");
    assert!(path.exists(), "{} is not built: `make test` does, or cargo build -p server", path.display());
    path
}

/// Runs a command of the binary to its end, with these variables alone.
pub fn command(arguments: &[&str], variables: &[(String, String)]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().envs(variables.iter().cloned()).stdin(Stdio::null()).output().unwrap()
}

impl Program {
    /// Starts it and waits until it serves.
    pub fn serve(place: &Place, more: &[(&str, &str)]) -> Self {
        let mut child = Command::new(binary())
            .arg("serve")
            .env_clear()
            .envs(variables(place))
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let out = listen(child.stdout.take().unwrap(), &log);
        let err = listen(child.stderr.take().unwrap(), &log);
        let started = Instant::now();
        let (address, metrics) = loop {
            if let Some(found) = serving(&log.lock().unwrap()) {
                break found;
            }
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && started.elapsed() < PATIENCE, "{ended:?}: {}", log.lock().unwrap());
            thread::sleep(Duration::from_millis(5));
        };
        Self { child, address, metrics, place_key: place.key(), log, readers: vec![out, err] }
    }

    /// A client with development tokens, by the system's clock.
    pub fn client(&self) -> Client {
        let issuer = Arc::new(DevelopmentIssuer::load_or_create(&self.place_key).unwrap());
        Client::new(format!("http://{}", self.address), issuer, Arc::new(SystemTime))
    }

    /// SIGKILL: nothing is tidied up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, without waiting.
    pub fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; its status and everything it has said.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "the program does not end");
            thread::sleep(Duration::from_millis(10));
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        (status, self.log.lock().unwrap().clone())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(stream: impl std::io::Read + Send + 'static, log: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let log = Arc::clone(log);
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            log.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

/// The addresses of the line that says so.
fn serving(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line = log.lines().find(|line| line.contains("\"serving\""))?;
    let said: Value = serde_json::from_str(line).ok()?;
    let address = |name: &str| said[name].as_str()?.parse().ok();
    Some((address("address")?, address("metrics")?))
}

/// Runs a story about commands over an empty database.
pub fn run(database: Database, story: impl FnOnce(&Place)) {
    story(&Place::new(database));
}
