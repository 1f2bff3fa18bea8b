//! A month of a large synthetic clinic's correspondence, sent through the real interface in the order of time, with
//! workers that fire what comes due meanwhile. Not real people, not real words.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use domain::calendar::{Calendar, zone_named};
use domain::policy::Policy;
use domain::policy::lint::Finding;
use domain::store::StoreError;
use domain::time::{Instant, Span};
use futures_util::future::try_join_all;
use jiff::ToSpan as _;

use crate::client::{Client, ClientError};
use crate::clinic::{self, FAMILY, engine};
use crate::clock::MovableTime;
use crate::seed::Seeded;
use crate::worker::Worker;
use crate::workload::{By, Conversation, Workload};

/// How many days a month has.
pub const DAYS: i64 = 30;

/// The generator's seed: the same messages each time.
const SEED: u64 = 20_260_619;

const DAY: i64 = 86_400;

/// Messages arrive at multiples of this, in seconds, so that those of one moment are sent together.
const STEP: i64 = 300;

/// How often workers look, in seconds of the month.
const TICK: i64 = 900;

/// How many requests are under way at once.
const TOGETHER: usize = 32;

/// Why a month could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MonthError {
    /// The service did not take a message.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A worker failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The clinic's own bundle.
    #[error("the clinic's bundle cannot be used: {0}")]
    Bundle(String),
}

/// A month to be filled, which ends now.
pub struct Month {
    client: Client,
    time: Arc<MovableTime>,
    worker: Worker,
    now: Instant,
}

/// A message to come: when, of which conversation, its place there, and the message that it answers.
type Coming = (Instant, usize, usize, String);

impl Month {
    /// A month through that client, ending at `now`.
    pub fn new(client: Client, time: Arc<MovableTime>, worker: Worker, now: Instant) -> Self {
        Self { client, time, worker, now }
    }

    /// Sends the correspondence in which patients write about so many messages.
    pub async fn run(&self, messages: usize) -> Result<Seeded, MonthError> {
        let policy = policy(self.now).map_err(MonthError::Bundle)?;
        let hours = policy.calendar(&policy.default_pool().calendar);
        let conversations = self.conversations(messages);
        let mut coming: BinaryHeap<Reverse<Coming>> = conversations
            .iter()
            .enumerate()
            .map(|(place, (begins, _))| Reverse((*begins, place, 0, String::new())))
            .collect();
        let mut seeded = Seeded { threads: conversations.len(), messages: 0 };
        let mut looked = Instant::from_second(0);
        while let Some(Reverse((at, ..))) = coming.peek() {
            let at = *at;
            self.time.set(at.timestamp());
            if at.since(looked) >= TICK {
                while self.worker.tick().await?.full {}
                looked = at;
            }
            let mut together: Vec<Coming> = vec![];
            while together.len() < TOGETHER && coming.peek().is_some_and(|Reverse(next)| next.0 == at) {
                together.extend(coming.pop().map(|Reverse(next)| next));
            }
            let sent = together.iter().map(|(_, place, turn, answers)| {
                let (conversation, answers) = (&conversations[*place].1, Some(answers.as_str()));
                let body =
                    conversation.message(&conversation.turns[*turn], FAMILY, answers.filter(|id| !id.is_empty()));
                async move { self.client.create(&engine(), &body).await }
            });
            let sent = try_join_all(sent).await?;
            seeded.messages += sent.len();
            for ((_, place, turn, _), reply) in together.into_iter().zip(sent) {
                let next = conversations[place].1.turns.get(turn + 1);
                let next = next.and_then(|next| Some((when(hours?, at, next.by, next.after)?, next)));
                if let Some((at, _)) = next.filter(|(at, _)| *at < self.now) {
                    coming.push(Reverse((at, place, turn + 1, reply.id().to_owned())));
                }
            }
        }
        self.time.set(self.now.timestamp());
        while self.worker.tick().await?.full {}
        Ok(seeded)
    }

    /// Conversations that begin in the month, with that moment, until patients have written so much in them.
    fn conversations(&self, messages: usize) -> Vec<(Instant, Conversation)> {
        const WEEKS: i64 = 6;
        let zone = zone_named(clinic::ZONE).unwrap_or(jiff::tz::TimeZone::UTC);
        let today = zone.to_datetime(self.now.timestamp()).date();
        let since_monday = i64::from(today.weekday().to_monday_zero_offset());
        let monday = today.saturating_sub((since_monday + 7 * (WEEKS - 1)).days());
        let start = zone.to_timestamp(monday.to_datetime(jiff::civil::Time::midnight()));
        let start = start.map_or(self.now, Instant::from);
        let mut found = vec![];
        let mut written = 0;
        for (number, conversation) in Workload::new(SEED).enumerate() {
            if written >= messages {
                break;
            }
            let week = number as i64 % WEEKS;
            let begins = stepped(start.plus(week * 7 * DAY + i64::from(conversation.begins)));
            if begins < self.now && self.now.since(begins) <= DAYS * DAY {
                written += conversation.turns.iter().filter(|turn| turn.by == By::Patient).count();
                found.push((begins, conversation));
            }
        }
        found
    }
}

fn stepped(at: Instant) -> Instant {
    Instant::from_second(at.as_second().div_euclid(STEP) * STEP)
}

/// When the next message of a conversation is written: people of the clinic write when it is open.
fn when(hours: &Calendar, before: Instant, by: By, after: u32) -> Option<Instant> {
    let after = i64::from(after);
    let at = match by {
        By::Patient => before.plus(after),
        By::Clinician(_) => hours.add(before, Span::from_seconds(after))?,
    };
    Some(stepped(at).max(before.plus(STEP)))
}

/// The clinic's policy, to know when it is open.
fn policy(around: Instant) -> Result<Policy, String> {
    let bundle = clinic::bundle().map_err(|finding| finding.to_string())?;
    let told = |findings: Vec<Finding>| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Policy::compile(bundle, &[], 1, around).map_err(told)
}
