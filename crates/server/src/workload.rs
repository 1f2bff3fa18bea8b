//! A synthetic clinic's correspondence, fitted to published figures of patient portals: not real people, not real
//! words. The same seed gives the same conversations.

use serde_json::{Value, json};

use crate::random::Random;

/// Patients of the clinic.
pub const PANEL: usize = 70_000;

/// The share of them who write.
pub const WRITERS: f64 = 0.33;

/// Threads of one writer in a year, as mu and sigma of a lognormal: median 3, mean 5.4.
const THREADS: (f64, f64) = (1.099, 1.081);

/// The patient's messages in a thread, on average.
const PATIENT_MESSAGES: f64 = 2.1;

/// Replies in a thread: geometric with this probability, 2.6 on average.
const REPLIES: f64 = 0.385;

/// A patient message's length in characters, as mu and sigma of a lognormal, and the longest.
const LENGTH: (f64, f64, f64) = (5.131, 1.06, 1_500.0);

/// A reply's length in words: mean, and sigma of its lognormal.
const REPLY_WORDS: (f64, f64) = (39.0, 0.7);

/// The open hours until the first response, of a day of nine, as mu and sigma of a lognormal.
const FIRST_RESPONSE: (f64, f64) = (1.536, 1.374);

/// Clinicians of three kinds: their share and what each writes in a quarter.
const CLINICIANS: [(f64, f64); 3] = [(31.0, 206.0), (47.0, 505.0), (22.0, 840.0)];

/// How many clinicians there are.
const STAFF: usize = 60;

/// What arrives on each day from Monday.
const WEEKDAYS: [f64; 7] = [25.6, 19.2, 16.0, 16.0, 16.0, 2.2, 5.1];

/// What arrives in each two hours from midnight.
const HOURS: [f64; 12] = [0.6, 0.2, 0.6, 6.0, 27.4, 17.0, 12.0, 11.0, 9.0, 6.5, 6.2, 3.5];

/// What messages are about: the code, its share and a subject line.
const CATEGORIES: [(&str, f64, &str); 10] = [
    ("medical-advice", 25.0, "A question about my knee"),
    ("refill", 15.0, "Blood pressure tablets"),
    ("medication-question", 12.0, "Taking both tablets together"),
    ("test-result", 12.0, "My blood test"),
    ("appointment", 12.0, "Moving my visit"),
    ("referral", 6.0, "Eye doctor"),
    ("form", 6.0, "School form"),
    ("billing", 4.0, "Invoice 8841"),
    ("thanks", 5.0, "Thank you"),
    ("other", 3.0, "Parking"),
];

/// Patients' messages that hold a red flag, and of these the ones that the subject line does not show.
const RED_FLAGS: (f64, f64) = (0.035, 0.85);

/// Messages whose sender chose another category than the true one.
const WRONG_CATEGORY: f64 = 0.56;

/// Messages written by a proxy.
const PROXIES: f64 = 0.08;

const DANGER: [&str; 4] = ["chest pain", "trouble breathing", "suicide", "cannot breathe"];

const WORDS: [&str; 40] = [
    "the", "I", "have", "since", "my", "and", "it", "is", "for", "last", "week", "a", "to", "tablet", "doctor", "was",
    "still", "not", "better", "morning", "please", "could", "you", "tell", "me", "whether", "take", "with", "food",
    "after", "visit", "pharmacy", "said", "that", "two", "days", "left", "of", "thanks", "again",
];

/// Which side writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The patient or the proxy.
    Patient,
    /// A clinician, by number.
    Clinician(usize),
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who writes.
    pub by: By,
    /// What is written.
    pub text: String,
    /// Open hours since the message before, in seconds; 0 for the first.
    pub after: u32,
}

/// One conversation. Its first message is the patient side's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The patient, by number.
    pub patient: usize,
    /// Whether a proxy writes for the patient.
    pub proxy: bool,
    /// When it begins, in seconds from Monday's midnight.
    pub begins: u32,
    /// What it is about, in truth.
    pub about: &'static str,
    /// What the sender chose.
    pub category: &'static str,
    /// The subject line.
    pub topic: String,
    /// Whether the first message holds a red flag.
    pub red_flag: bool,
    /// The messages, in order.
    pub turns: Vec<Turn>,
}

/// Conversations without end.
#[derive(Clone, Debug)]
pub struct Workload {
    random: Random,
    /// Running totals of what each writer writes, to choose a writer in proportion.
    writers: Vec<f64>,
}

impl Workload {
    /// The clinic of that seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut total = 0.0;
        let writer = |_| {
            total += random.lognormal(THREADS.0, THREADS.1);
            total
        };
        let writers = (0..(PANEL as f64 * WRITERS) as usize).map(writer).collect();
        Self { random, writers }
    }

    fn writer(&mut self) -> usize {
        let total = self.writers.last().copied().unwrap_or_default();
        let at = self.random.unit() * total;
        self.writers.partition_point(|reached| *reached <= at)
    }

    fn clinician(&mut self) -> By {
        let kind = self.random.weighted(&CLINICIANS.map(|(share, volume)| share * volume));
        let before: f64 = CLINICIANS[..kind].iter().map(|(share, _)| share).sum();
        let (first, count) = (STAFF as f64 * before / 100.0, STAFF as f64 * CLINICIANS[kind].0 / 100.0);
        By::Clinician((first + self.random.unit() * count) as usize)
    }

    /// Words of about that many characters.
    fn words(&mut self, characters: usize) -> String {
        let mut text = String::with_capacity(characters + 12);
        while text.len() < characters {
            text.push_str(self.random.one_of(&WORDS));
            text.push(' ');
        }
        text.truncate(characters.max(1));
        text.trim_end().to_owned()
    }

    fn asked(&mut self, red_flag: bool) -> String {
        let (mu, sigma, longest) = LENGTH;
        let length = self.random.lognormal(mu, sigma).clamp(8.0, longest) as usize;
        let text = self.words(length);
        if red_flag {
            let danger = self.random.one_of(&DANGER);
            let kept: String = text.chars().take(longest as usize - danger.len() - 2).collect();
            format!("{kept}. {danger}")
        } else {
            text
        }
    }

    fn answered(&mut self) -> String {
        // Six characters a word with its space; the mean of a lognormal is exp(mu + sigma^2 / 2).
        let (mean, sigma) = REPLY_WORDS;
        let words = self.random.lognormal(mean.ln() - sigma * sigma / 2.0, sigma);
        self.words((words * 6.0) as usize)
    }

    fn conversation(&mut self) -> Conversation {
        let patient = self.writer();
        let proxy = self.random.happens(PROXIES);
        let day = self.random.weighted(&WEEKDAYS);
        let hours = self.random.weighted(&HOURS);
        let begins = (day * 86_400 + hours * 7_200 + self.random.below(7_200)) as u32;
        let weights = CATEGORIES.map(|(_, share, _)| share);
        let about = self.random.weighted(&weights);
        let mut chosen = about;
        if self.random.happens(WRONG_CATEGORY) {
            while chosen == about {
                chosen = self.random.weighted(&weights);
            }
        }
        let red_flag = self.random.happens(RED_FLAGS.0);
        let mut topic = CATEGORIES[about].2.to_owned();
        if red_flag && !self.random.happens(RED_FLAGS.1) {
            topic = format!("{topic}, and {}", self.random.one_of(&DANGER));
        }
        let turns = self.turns(red_flag);
        let (about, category) = (CATEGORIES[about].0, CATEGORIES[chosen].0);
        Conversation { patient, proxy, begins, about, category, topic, red_flag, turns }
    }

    /// The patient's first message, then answers and further messages in turn as long as either side has any left.
    fn turns(&mut self, red_flag: bool) -> Vec<Turn> {
        let mut asking = self.random.geometric(1.0 / PATIENT_MESSAGES) - 1;
        let mut answering = self.random.geometric(REPLIES);
        let mut turns = vec![Turn { by: By::Patient, text: self.asked(red_flag), after: 0 }];
        let first = self.random.lognormal(FIRST_RESPONSE.0, FIRST_RESPONSE.1).min(9.0 * 60.0);
        let mut after = (first * 3_600.0) as u32;
        while asking + answering > 0 {
            if answering > 0 {
                answering -= 1;
                turns.push(Turn { by: self.clinician(), text: self.answered(), after });
            }
            if asking > 0 {
                asking -= 1;
                turns.push(Turn { by: By::Patient, text: self.asked(false), after: 1_800 });
            }
            after = 3_600;
        }
        turns
    }
}

impl Iterator for Workload {
    type Item = Conversation;

    fn next(&mut self) -> Option<Conversation> {
        Some(self.conversation())
    }
}

impl Conversation {
    /// One of its messages as a client sends it to a pool, answering `answers` when there is one.
    pub fn message(&self, turn: &Turn, pool: &str, answers: Option<&str>) -> Value {
        let patient = format!("Patient/{}", patient_id(self.patient));
        let (sender, recipient) = match turn.by {
            By::Patient if self.proxy => (format!("RelatedPerson/rp-{}", self.patient), pool.to_owned()),
            By::Patient => (patient.clone(), pool.to_owned()),
            By::Clinician(number) => (format!("Practitioner/c-{number}"), patient.clone()),
        };
        let mut message = json!({
            "resourceType": "Communication",
            "status": "in-progress",
            "category": [{ "coding": [{ "system": fhir::canonical::MESSAGE_CATEGORY, "code": self.category }] }],
            "subject": { "reference": patient },
            "topic": { "text": self.topic },
            "recipient": [{ "reference": recipient }],
            "sender": { "reference": sender },
            "payload": [{ "contentString": turn.text }]
        });
        if let Some(answers) = answers {
            message["inResponseTo"] = json!([{ "reference": format!("Communication/{answers}") }]);
        }
        message
    }
}

/// The id of a patient.
pub fn patient_id(number: usize) -> String {
    format!("p-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Conversation> {
        Workload::new(20_260_619).take(20_000).collect()
    }

    fn share(conversations: &[Conversation], holds: impl Fn(&Conversation) -> bool) -> f64 {
        conversations.iter().filter(|one| holds(one)).count() as f64 / conversations.len() as f64
    }

    #[test]
    fn the_same_seed_gives_the_same_clinic() {
        let take = |seed| Workload::new(seed).take(50).collect::<Vec<_>>();
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
    }

    #[test]
    fn the_correspondence_has_the_published_shares() {
        let all = some();
        for (name, found, expected) in [
            ("proxies", share(&all, |one| one.proxy), 0.08),
            ("red flags", share(&all, |one| one.red_flag), 0.035),
            ("wrong category", share(&all, |one| one.category != one.about), 0.56),
            ("Mondays", share(&all, |one| one.begins < 86_400), 0.256),
            ("refills", share(&all, |one| one.about == "refill"), 0.15),
        ] {
            assert!((found - expected).abs() < 0.015, "{name}: {found} is not about {expected}");
        }
    }

    #[test]
    fn threads_have_as_many_messages_of_each_side_as_observed() {
        let all = some();
        let mean = |by: fn(&By) -> bool| {
            let count: usize = all.iter().map(|one| one.turns.iter().filter(|turn| by(&turn.by)).count()).sum();
            count as f64 / all.len() as f64
        };
        assert!((mean(|by| *by == By::Patient) - 2.1).abs() < 0.05);
        assert!((mean(|by| *by != By::Patient) - 2.6).abs() < 0.06);
    }

    #[test]
    fn messages_are_as_long_as_observed_and_never_too_long_to_send() {
        let mut lengths: Vec<usize> = some().iter().map(|one| one.turns[0].text.chars().count()).collect();
        lengths.sort_unstable();
        let median = lengths[lengths.len() / 2];
        assert!((155..185).contains(&median), "the median is {median}");
        assert!(lengths.last().is_some_and(|longest| *longest <= 1_500));
    }

    #[test]
    fn every_message_is_one_that_the_service_takes() {
        for one in some().iter().take(300) {
            for turn in &one.turns {
                let text = one.message(turn, "HealthcareService/default", None).to_string();
                assert!(fhir::communication::Communication::parse(text.as_bytes()).is_ok(), "{text}");
            }
        }
    }
}
