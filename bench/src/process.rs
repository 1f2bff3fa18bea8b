//! What processes have used, as `/proc` tells (<https://man7.org/linux/man-pages/man5/proc.5.html>).

use std::fs::{read_dir, read_to_string};

use crate::Done;

/// Ticks of `/proc/PID/stat` in a second: 100 on every Linux that Debian builds.
const TICKS: f64 = 100.0;

/// The fields of a process's `stat` after its name, which may itself hold anything.
fn stat(pid: &str) -> Option<Vec<u64>> {
    let text = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    // The state is a letter; it stands for 0 so that the places of the others are kept.
    Some(fields.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
}

const PARENT: usize = 1;
const OWN: [usize; 2] = [11, 12];
const CHILDREN: [usize; 2] = [13, 14];

fn seconds(stat: &[u64], places: &[usize]) -> f64 {
    places.iter().filter_map(|place| stat.get(*place)).sum::<u64>() as f64 / TICKS
}

/// Processor time of a process, in seconds.
pub fn of(pid: u32) -> f64 {
    stat(&pid.to_string()).map_or(0.0, |stat| seconds(&stat, &OWN))
}

/// Processor time of a process and everything it has started, in seconds: those that run, and those that have ended.
pub fn of_family(pid: u32) -> Done<f64> {
    let own = stat(&pid.to_string()).ok_or("the database's process is not there")?;
    let mut total = seconds(&own, &OWN) + seconds(&own, &CHILDREN);
    for entry in read_dir("/proc")? {
        let name = entry?.file_name();
        let found = name.to_str().filter(|name| name.starts_with(|first: char| first.is_ascii_digit())).and_then(stat);
        if let Some(child) = found.filter(|stat| stat.get(PARENT) == Some(&u64::from(pid))) {
            total += seconds(&child, &OWN);
        }
    }
    Ok(total)
}

/// Processor time of this process, in seconds.
pub fn own() -> f64 {
    stat("self").map_or(0.0, |stat| seconds(&stat, &OWN))
}

/// Processor time of this process's children that have ended, in seconds.
pub fn ended_children() -> f64 {
    stat("self").map_or(0.0, |stat| seconds(&stat, &CHILDREN))
}

/// The most memory that a process has had resident, in MB (of 1024 * 1024 bytes).
pub fn peak_memory(pid: u32) -> Done<f64> {
    let status = read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak memory is told")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_time_and_memory() {
        let before = own();
        let mut spent = 0_u64;
        while own() < before + 0.02 {
            spent = std::hint::black_box(spent.wrapping_add(1));
        }
        assert!(own() > before);
        assert!(of_family(std::process::id()).unwrap() >= before);
        assert!(peak_memory(std::process::id()).unwrap() > 1.0);
    }
}
