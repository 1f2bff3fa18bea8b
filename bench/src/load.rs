//! The load generator: so many connections, each asking one thing after the other.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use server::workload::Conversation;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::Done;
use crate::connection::{Connection, request};

/// What one stretch of load gave.
#[derive(Clone, Debug, Default)]
pub struct Leg {
    /// Requests answered as they should be.
    pub done: usize,
    /// Requests that were not.
    pub errors: usize,
    /// What was wrong with the first of them.
    pub first_error: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How long each took, in microseconds, in order of size.
    pub latencies: Vec<u32>,
}

impl Leg {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.seconds.max(f64::MIN_POSITIVE)
    }

    fn add(&mut self, other: Self) {
        self.done += other.done;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
        self.latencies.extend(other.latencies);
    }

    fn failed(&mut self, what: String) {
        self.errors += 1;
        self.first_error.get_or_insert(what);
    }
}

/// The latency below which that share of requests was answered, in milliseconds, of latencies in order.
pub fn quantile(latencies: &[u32], share: f64) -> f64 {
    let place = ((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1));
    latencies.get(place).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
}

/// Runs one future a connection, on as many threads as there are processors (as pgbench does), and gives what came of
/// each.
fn on_threads<T, F>(connections: usize, work: impl Fn(usize) -> F + Sync) -> Done<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = T> + 'static,
{
    let threads = available_parallelism().map_or(1, std::num::NonZero::get).min(connections);
    let results = Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (work, results) = (&work, &results);
            scope.spawn(move || {
                let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
                let local = LocalSet::new();
                let running: Vec<_> =
                    (thread..connections).step_by(threads).map(|number| local.spawn_local(work(number))).collect();
                local.block_on(&runtime, async {
                    for one in running {
                        if let (Ok(result), Ok(mut results)) = (one.await, results.lock()) {
                            results.push(result);
                        }
                    }
                });
            });
        }
    });
    let results = results.into_inner().map_err(|_| "a thread of the load generator panicked")?;
    if results.len() == connections { Ok(results) } else { Err("a thread of the load generator panicked".into()) }
}

/// Asks these requests over so many connections for that long, each connection its own share of them again and again,
/// and expects one status.
pub fn drive(
    address: SocketAddr,
    connections: usize,
    requests: &Arc<Vec<Vec<u8>>>,
    time: Duration,
    expected: u16,
) -> Done<Leg> {
    let started = Instant::now();
    let legs = on_threads(connections, |number| {
        let requests = Arc::clone(requests);
        async move {
            let mut leg = Leg::default();
            let mut connection = match Connection::open(address).await {
                Ok(connection) => connection,
                Err(error) => {
                    leg.failed(error.to_string());
                    return leg;
                }
            };
            for request in requests.iter().skip(number).step_by(connections).cycle() {
                let asked = Instant::now();
                if asked.duration_since(started) >= time {
                    break;
                }
                match connection.ask(request).await {
                    Ok(answer) if answer.status == expected => {
                        leg.done += 1;
                        leg.latencies.push(asked.elapsed().as_micros() as u32);
                    }
                    Ok(answer) => leg.failed(format!("{} {}", answer.status, String::from_utf8_lossy(answer.body))),
                    Err(error) => {
                        leg.failed(error.to_string());
                        break;
                    }
                }
            }
            leg
        }
    })?;
    let mut whole = Leg { seconds: started.elapsed().as_secs_f64(), ..Leg::default() };
    for leg in legs {
        whole.add(leg);
    }
    whole.latencies.sort_unstable();
    Ok(whole)
}

/// Writes conversations through the interface, each in its order, and gives the patient and the id of every message.
pub fn fill(
    address: SocketAddr,
    token: &str,
    pool: &'static str,
    conversations: Vec<Conversation>,
) -> Done<Vec<(usize, String)>> {
    const CONNECTIONS: usize = 32;
    let (conversations, token) = (Arc::new(conversations), Arc::<str>::from(token));
    let written = on_threads(CONNECTIONS, |number| {
        let (conversations, token) = (Arc::clone(&conversations), Arc::clone(&token));
        async move {
            let mut written = vec![];
            let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
            for conversation in conversations.iter().skip(number).step_by(CONNECTIONS) {
                let mut last: Option<String> = None;
                for turn in &conversation.turns {
                    let body = conversation.message(turn, pool, last.as_deref()).to_string();
                    let asked = request("POST", "/fhir/Communication", &token, Some(&body));
                    let answer = connection.ask(&asked).await.map_err(|error| error.to_string())?;
                    let location = answer.header("location").filter(|_| answer.status == 201);
                    let id = location.and_then(id_in).ok_or_else(|| {
                        format!("a message was answered {} {}", answer.status, String::from_utf8_lossy(answer.body))
                    })?;
                    written.push((conversation.patient, id.to_owned()));
                    last = Some(id.to_owned());
                }
            }
            Ok::<_, String>(written)
        }
    })?;
    Ok(written.into_iter().collect::<Result<Vec<_>, String>>()?.concat())
}

/// Sends one message and gives its id.
pub fn send_one(address: SocketAddr, token: &str, body: &str) -> Done<String> {
    let asked = request("POST", "/fhir/Communication", token, Some(body));
    let sent = on_threads(1, |_| {
        let asked = asked.clone();
        async move {
            let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
            let answer = connection.ask(&asked).await.map_err(|error| error.to_string())?;
            let id = answer.header("location").and_then(id_in).map(str::to_owned);
            id.ok_or_else(|| format!("a message was answered {}", answer.status))
        }
    })?;
    Ok(sent.into_iter().collect::<Result<String, String>>()?)
}

/// The id in a message's address.
pub fn id_in(location: &str) -> Option<&str> {
    location.split_once("/Communication/").and_then(|(_, rest)| rest.split('/').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_measured() {
        let latencies: Vec<u32> = (1..=1000).map(|number| number * 1000).collect();
        assert!((quantile(&latencies, 0.5) - 501.0).abs() < 0.01);
        assert!((quantile(&latencies, 0.99) - 991.0).abs() < 0.01);
        assert!((quantile(&[], 0.5)).abs() < 0.01);
    }

    #[test]
    fn an_address_holds_the_id() {
        assert_eq!(id_in("http://h:1/fhir/Communication/a-1/_history/1"), Some("a-1"));
        assert_eq!(id_in("http://h:1/fhir/Task/a-1"), None);
    }
}
