//! The throw-away PostgreSQL, asked through its own `psql`: one dependency less, and nothing of the service's is used
//! to measure it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Done;

/// A database.
#[derive(Clone, Debug)]
pub struct Database {
    /// The folder of `psql` and `pgbench`.
    pub bin: PathBuf,
    /// Its URL.
    pub url: String,
}

impl Database {
    /// Creates another database on the same server.
    pub fn create(&self, name: &str) -> Done<Self> {
        self.run(&format!("CREATE DATABASE {name}"))?;
        let (server, _) = self.url.rsplit_once('/').ok_or("the database's URL names no database")?;
        Ok(Self { bin: self.bin.clone(), url: format!("{server}/{name}") })
    }

    /// Runs statements and gives what they answer: a row a line, columns separated by `|`.
    pub fn run(&self, sql: &str) -> Done<String> {
        let mut psql = Command::new(self.bin.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--file=-"])
            .arg(&self.url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = psql.stdin.take() {
            input.write_all(sql.as_bytes())?;
        }
        let output = psql.wait_with_output()?;
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
        } else {
            Err(format!("psql failed: {}", String::from_utf8_lossy(&output.stderr)).into())
        }
    }

    /// The process from which every other of the server descends.
    pub fn postmaster(&self) -> Done<u32> {
        let file = self.run("SELECT pg_read_file('postmaster.pid', 0, 20)")?;
        Ok(file.lines().next().unwrap_or_default().trim().parse()?)
    }
}
