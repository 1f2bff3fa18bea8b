//! The service in this process, over real HTTP, under a clock that the test moves.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use actix_web::rt::System;
use api::auth::DevelopmentIssuer;
use domain::time::TimeSource as _;
use reqwest::Method;
use server::clinic;
use server::clock::MovableTime;
use server::config::Config;
use server::service::Service;
use server::worker::{Report, Worker};

use crate::client::Client;
use crate::issuer::Issuer;
use crate::place::{Database, Place};

/// A running service with the small clinic's policy and hours. Friday 2026-06-19 10:00 in New York, an open hour.
pub struct House {
    pub place: Place,
    pub time: Arc<MovableTime>,
    pub issuer: Issuer,
    replica: Replica,
}

/// One process of the service, so to speak.
pub struct Replica {
    pub client: Client,
    pub service: Service,
}

impl Deref for House {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.replica.client
    }
}

impl House {
    async fn open(database: Database) -> Self {
        let place = Place::new(database);
        place.prepare().await;
        let time = Arc::new(MovableTime::at("2026-06-19T14:00:00Z".parse().unwrap()));
        let issuer = Issuer::publish(&place.folder);
        let replica = Replica::start(&place, &time).await;
        for service in clinic::services() {
            let id = service["identifier"][0]["value"].as_str().unwrap().to_owned();
            let mut named = service;
            named["id"] = id.as_str().into();
            replica.client.put(&clinic::engine(), &format!("/fhir/HealthcareService/{id}"), &named).await.is(201);
        }
        Self { place, time, issuer, replica }
    }

    /// Moves the clock to a wall time of June 2026 in New York: `at(22, "08:05:00")`.
    pub fn at(&self, day: u8, time: &str) {
        self.time.set(format!("2026-06-{day:02}T{time}-04:00").parse().unwrap());
    }

    /// Moves the clock on.
    pub fn pass(&self, seconds: i64) {
        self.time.set(self.time.now() + jiff::SignedDuration::from_secs(seconds));
    }

    /// The present moment of the clock.
    pub fn time_now(&self) -> domain::time::Instant {
        self.time.now().into()
    }

    /// Another service over the same database.
    pub async fn another(&self) -> Replica {
        Replica::start(&self.place, &self.time).await
    }

    pub fn service(&self) -> &Service {
        &self.replica.service
    }

    /// Ticks until nothing is left to do; what was done.
    pub async fn work(&self) -> Report {
        let report = work(&[self.service().worker()]).await;
        assert_eq!(report.failed, Vec::<String>::new(), "everything could be done");
        report
    }

    /// A message of the automatic kind in a thread.
    pub async fn automatic(&self, thread: &str) -> Vec<String> {
        let path = format!("/fhir/Communication?part-of=Communication/{thread}&category=automatic&_sort=sent");
        let found = self.get(&clinic::engine(), &path).await.is(200);
        let text = |one: &serde_json::Value| one["payload"][0]["contentString"].as_str().unwrap().to_owned();
        found.resources().iter().map(text).collect()
    }

    /// The page of figures.
    pub async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.service().metrics_address());
        self.ask(Method::GET, &url).send().await.is(200).text
    }

    async fn close(self) {
        self.replica.stop().await;
        drop(self.place);
    }
}

impl Replica {
    /// A service over that database, without workers of its own: tests tick.
    pub async fn start(place: &Place, time: &Arc<MovableTime>) -> Self {
        let variables: BTreeMap<String, String> = variables(place).into_iter().collect();
        let config = Config::from_variables(&variables).unwrap();
        let service = Service::start(&config, Arc::clone(time) as _, 0).await.unwrap();
        let issuer = Arc::new(DevelopmentIssuer::load_or_create(&config.development_key).unwrap());
        let client = Client::new(format!("http://{}", service.address()), issuer, Arc::clone(time) as _);
        Self { client, service }
    }

    /// Stops it in order; connections that nobody uses are given up first.
    pub async fn stop(self) {
        drop(self.client);
        self.service.stop().await;
    }
}

/// The variables under which a service of this place runs.
pub fn variables(place: &Place) -> Vec<(String, String)> {
    let mut variables = vec![
        ("POSTERN_DATABASE_URL".to_owned(), place.url.clone()),
        ("POSTERN_DEV".to_owned(), "1".to_owned()),
        ("POSTERN_DEV_KEY".to_owned(), place.key().display().to_string()),
        ("POSTERN_AUDIT_KEY".to_owned(), place.audit_key().display().to_string()),
        ("POSTERN_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("POSTERN_METRICS_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
    ];
    let file = place.folder.join("postern.toml");
    if file.exists() {
        variables.push(("POSTERN_CONFIG".to_owned(), file.display().to_string()));
    }
    variables
}

/// Lets workers tick side by side until none finds anything to do; what they did together.
pub async fn work(workers: &[Worker]) -> Report {
    let mut all = Report::default();
    loop {
        let reports = futures_util::future::join_all(workers.iter().map(Worker::tick)).await;
        let mut idle = true;
        for report in reports {
            let report = report.unwrap();
            idle &= report.is_idle();
            all.activated.extend(report.activated);
            all.cancelled.extend(report.cancelled);
            all.recalendared.extend(report.recalendared);
            all.adopted.extend(report.adopted);
            all.fired.extend(report.fired);
            all.delivered.extend(report.delivered);
            all.elsewhere += report.elsewhere;
            all.released += report.released;
            all.sent += report.sent;
            all.events += report.events;
            all.failed.extend(report.failed);
        }
        if idle {
            return all;
        }
    }
}

/// Runs a story in a house.
pub fn run(database: Database, story: impl AsyncFnOnce(&House)) {
    System::new().block_on(async {
        let house = House::open(database).await;
        story(&house).await;
        house.close().await;
    });
}
