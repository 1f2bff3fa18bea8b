//! The machine and the database that was measured on.

use std::fs::read_to_string;
use std::process::Command;

use crate::Done;
use crate::database::Database;

/// What a reader must know to judge figures.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// The day, by the database's clock.
    pub day: String,
    /// The processor's name and how many of them.
    pub processors: String,
    /// Memory in GB (of 1024 * 1024 * 1024 bytes).
    pub memory: String,
    /// The kernel.
    pub kernel: String,
    /// The file system of temporary files, in which both databases lie.
    pub file_system: String,
    /// PostgreSQL's version.
    pub postgres: String,
    /// PostgreSQL's settings that matter.
    pub settings: String,
    /// What the kernel says of how busy the machine was before anything was measured: tasks that run or wait, over one,
    /// five and fifteen minutes.
    pub busy: String,
}

impl Machine {
    /// This machine, and that database.
    pub fn look(database: &Database) -> Done<Self> {
        let cpu = read_to_string("/proc/cpuinfo")?;
        let name = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
        let count = std::thread::available_parallelism()?;
        let memory = read_to_string("/proc/meminfo")?;
        let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
        let kilobytes: f64 = total.trim().trim_end_matches("kB").trim().parse()?;
        let settings =
            ["fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers", "max_wal_size"]
                .iter()
                .map(|name| Ok(format!("`{name} = {}`", database.run(&format!("SHOW {name}"))?)))
                .collect::<Done<Vec<_>>>()?;
        Ok(Self {
            day: database.run("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'")?,
            processors: format!("{count} x {}", name.trim_start_matches([' ', '\t', ':'])),
            memory: format!("{:.1} GB", kilobytes / 1024.0 / 1024.0),
            kernel: read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            file_system: file_system(),
            postgres: database.run("SHOW server_version")?,
            settings: settings.join(", "),
            busy: read_to_string("/proc/loadavg")?.split(' ').take(3).collect::<Vec<_>>().join(", "),
        })
    }
}

fn file_system() -> String {
    let found = Command::new("df").arg("--output=fstype").arg(std::env::temp_dir()).output();
    let text = found.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().nth(1).map_or_else(|| "unknown".to_owned(), |kind| kind.trim().to_owned())
}
