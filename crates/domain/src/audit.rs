//! The chain of an audit trail: each row is sealed with a keyed digest of itself and of the seal before it, so that
//! nobody without the key can change a row, take one away or put one between without its being seen.
//!
//! The digest itself is given from outside: the key is no business of this crate.

mod trail;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

pub use self::trail::TrailQuery;
use crate::change::AuditRow;
use crate::id::{ResourceId, TenantId};

/// What stands before the first row of a chain.
const BEGINNING: &str = "";

/// The seal that a row is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The row.
    pub row: ResourceId,
    /// Its place in the chain of its tenant, from 1.
    pub sequence: i64,
    /// The keyed digest, in hex.
    pub seal: String,
}

/// A row of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// What was recorded.
    pub row: AuditRow,
    /// Its place.
    pub sequence: i64,
    /// Its seal.
    pub seal: String,
    /// What the store finds it by, which is kept beside it and has no seal of its own.
    pub found_by: BTreeSet<String>,
}

/// The end of a chain as it was seen before and kept elsewhere: whoever cuts the chain cannot reach it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The tenant.
    pub tenant: TenantId,
    /// The place of the last row.
    pub sequence: i64,
    /// Its seal.
    pub seal: String,
}

/// Where a chain is broken, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// No row has this place: it was taken away.
    #[error("sequence {0} is missing")]
    Missing(i64),
    /// The row at this place is not the one that was sealed, or its seal is not the key's.
    #[error("sequence {0} was changed, or sealed with another key")]
    Changed(i64),
    /// The row at this place is whole, but is not found by what it says, or by more than that.
    #[error("sequence {0} is found by something else than what it is about: it was hidden, or shown in a wrong place")]
    Hidden(i64),
    /// The row at this place is whole, but another was there when the checkpoint was taken.
    #[error("sequence {0} is not what the checkpoint says: the chain was written anew")]
    Rewritten(i64),
}

/// A chain that is followed from its beginning, or from a row that is believed.
#[derive(Clone, Debug)]
pub struct Chain {
    tenant: TenantId,
    sequence: i64,
    seal: String,
}

impl Chain {
    /// The chain of a tenant, before its first row.
    pub fn new(tenant: TenantId) -> Self {
        Self { tenant, sequence: 0, seal: BEGINNING.to_owned() }
    }

    /// The chain as it goes on after a row.
    pub fn after(tenant: TenantId, last: &Sealed) -> Self {
        Self { tenant, sequence: last.sequence, seal: last.seal.clone() }
    }

    /// The place of the last row.
    pub fn sequence(&self) -> i64 {
        self.sequence
    }

    /// The end of the chain, to be kept elsewhere.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { tenant: self.tenant.clone(), sequence: self.sequence, seal: self.seal.clone() }
    }

    /// Seals the next row.
    pub fn seal(&mut self, row: &AuditRow, digest: &dyn Fn(&str) -> String) -> Seal {
        self.sequence += 1;
        self.seal = digest(&canonical(&self.tenant, self.sequence, &self.seal, row));
        Seal { row: row.id.clone(), sequence: self.sequence, seal: self.seal.clone() }
    }

    /// Follows the chain over the next row.
    pub fn follow(&mut self, next: &Sealed, digest: &dyn Fn(&str) -> String) -> Result<(), Broken> {
        if next.sequence != self.sequence + 1 {
            return Err(Broken::Missing(self.sequence + 1));
        }
        if self.seal(&next.row, digest).seal != next.seal {
            return Err(Broken::Changed(next.sequence));
        }
        if next.found_by == next.row.found_by() { Ok(()) } else { Err(Broken::Hidden(next.sequence)) }
    }

    /// Compares with a checkpoint that was taken here.
    pub fn compare(&self, checkpoint: &Checkpoint) -> Result<(), Broken> {
        let here = self.tenant == checkpoint.tenant && self.sequence == checkpoint.sequence;
        if here && self.seal != checkpoint.seal { Err(Broken::Rewritten(self.sequence)) } else { Ok(()) }
    }
}

/// What is sealed: all that a row says, its place and the seal before it, in an order that never changes. What rows have
/// said since the first of them were sealed stands in one object at the end, each member when it is said; a row that says
/// nothing of it has none, so older seals hold.
fn canonical(tenant: &TenantId, sequence: i64, before: &str, row: &AuditRow) -> String {
    let about: Vec<String> = row.about.iter().map(ToString::to_string).collect();
    let later = [
        ("about", (!about.is_empty()).then(|| json!(about))),
        ("issuer", row.issuer.as_ref().map(|issuer| json!(issuer))),
        ("subject", row.subject.as_ref().map(|subject| json!(subject))),
    ];
    let later: Map<String, Value> =
        later.into_iter().filter_map(|(name, said)| Some((name.to_owned(), said?))).collect();
    let mut sealed = vec![
        json!(tenant.as_str()),
        json!(sequence),
        json!(before),
        json!(row.id.as_str()),
        json!(row.at.as_microsecond()),
        json!(row.client),
        json!(row.agent.as_ref().map(ToString::to_string)),
        json!(row.action.as_str()),
        json!(row.interaction),
        json!(row.focus.as_ref().map(ToString::to_string)),
        json!(row.version.map(|version| version.0)),
        json!(row.patient.as_ref().map(ToString::to_string)),
        json!(row.query),
        json!(row.count),
        json!(row.request),
        json!(row.outcome.as_str()),
        json!(row.source),
        json!(row.purpose),
    ];
    if !later.is_empty() {
        sealed.push(Value::Object(later));
    }
    Value::Array(sealed).to_string()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::change::{AuditAction, AuditOutcome};

    type Tampering<'a> = &'a dyn Fn(&mut Vec<Sealed>);

    fn row(name: &str) -> AuditRow {
        AuditRow {
            id: name.parse().unwrap(),
            at: "2026-06-19T21:30:00Z".parse().unwrap(),
            client: "app".into(),
            subject: None,
            issuer: None,
            agent: None,
            action: AuditAction::Read,
            interaction: "read".into(),
            focus: None,
            version: None,
            patient: Some("Patient/p-1".parse().unwrap()),
            about: vec![],
            query: None,
            count: 1,
            request: "r".into(),
            outcome: AuditOutcome::Done,
            source: Some("192.0.2.1".into()),
            purpose: None,
        }
    }

    fn keyed(key: &'static str) -> impl Fn(&str) -> String {
        move |text| format!("{:?}", Sha256::digest(format!("{key}{text}")))
    }

    fn chain(key: &'static str, names: &[&str]) -> Vec<Sealed> {
        let mut chain = Chain::new(TenantId::new("t"));
        let sealed = |name: &&str| {
            let row = row(name);
            let Seal { sequence, seal, .. } = chain.seal(&row, &keyed(key));
            Sealed { found_by: row.found_by(), row, sequence, seal }
        };
        names.iter().map(sealed).collect()
    }

    fn verify(rows: &[Sealed]) -> Result<Chain, Broken> {
        let mut chain = Chain::new(TenantId::new("t"));
        rows.iter().try_for_each(|row| chain.follow(row, &keyed("key")))?;
        Ok(chain)
    }

    #[test]
    fn a3_a_chain_that_was_tampered_with_names_its_first_bad_sequence() {
        let whole = chain("key", &["a", "b", "c", "d"]);
        assert_eq!(verify(&whole).unwrap().sequence(), 4);
        let with = |change: &dyn Fn(&mut Vec<Sealed>)| {
            let mut rows = whole.clone();
            change(&mut rows);
            verify(&rows).map(|chain| chain.sequence())
        };
        let changes: [(Tampering<'_>, Broken); 14] = [
            (&|rows| rows[1].row.client = "other".into(), Broken::Changed(2)),
            (&|rows| rows[1].row.patient = None, Broken::Changed(2)),
            (&|rows| rows[2].row.source = None, Broken::Changed(3)),
            (&|rows| rows[2].row.outcome = AuditOutcome::Refused, Broken::Changed(3)),
            (&|rows| rows[2].row.subject = Some("somebody".into()), Broken::Changed(3)),
            (&|rows| rows[2].row.issuer = Some("https://elsewhere.example".into()), Broken::Changed(3)),
            (&|rows| rows[1].row.about = vec!["Patient/p-2".parse().unwrap()], Broken::Changed(2)),
            (&|rows| rows[1].found_by.clear(), Broken::Hidden(2)),
            (&|rows| rows[2].found_by.extend(["Patient/p-2".to_owned()]), Broken::Hidden(3)),
            (&|rows| drop(rows.remove(1)), Broken::Missing(2)),
            (&|rows| drop(rows.remove(0)), Broken::Missing(1)),
            (&|rows| rows.swap(1, 2), Broken::Missing(2)),
            (
                &|rows| {
                    let (one, two) = (rows[1].row.clone(), rows[2].row.clone());
                    (rows[1].row, rows[2].row) = (two, one);
                },
                Broken::Changed(2),
            ),
            (
                &|rows| {
                    let mut new = rows[3].clone();
                    new.row.id = "e".parse().unwrap();
                    rows.insert(3, new);
                },
                Broken::Changed(4),
            ),
        ];
        for (change, broken) in changes {
            assert_eq!(with(change), Err(broken));
        }
        assert_eq!(
            verify(&chain("another key", &["a", "b"])).unwrap_err(),
            Broken::Changed(1),
            "written anew, without the key"
        );
    }

    #[test]
    fn a3_what_was_sealed_before_rows_said_more_is_still_whole() {
        let tenant = TenantId::new("t");
        let first = r#"["t",1,"","a",1781904600000000,"app",null,"R","read",null,null,"Patient/p-1",null,1,"r","0","192.0.2.1",null]"#;
        assert_eq!(canonical(&tenant, 1, "", &row("a")), first);
        let about = vec!["Patient/p-2".parse().unwrap(), "Communication/m".parse().unwrap()];
        let more = AuditRow { subject: Some("s".into()), issuer: Some("i".into()), about, ..row("a") };
        let ends = r#","192.0.2.1",null,{"about":["Patient/p-2","Communication/m"],"issuer":"i","subject":"s"}]"#;
        assert!(canonical(&tenant, 1, "", &more).ends_with(ends));
        let mut whole = chain("key", &["a"]);
        let mut chain = Chain::after(tenant, &whole[0]);
        let Seal { sequence, seal, .. } = chain.seal(&more, &keyed("key"));
        whole.push(Sealed { found_by: more.found_by(), row: more, sequence, seal });
        assert_eq!(verify(&whole).unwrap().sequence(), 2);
        whole[1].row.subject = None;
        assert_eq!(verify(&whole).unwrap_err(), Broken::Changed(2));
    }

    #[test]
    fn a3_a_chain_that_was_cut_or_written_anew_is_told_by_a_checkpoint() {
        let whole = chain("key", &["a", "b", "c"]);
        let end = verify(&whole).unwrap().checkpoint();
        assert_eq!(verify(&whole).unwrap().compare(&end), Ok(()));
        let cut = verify(&whole[..2]).unwrap();
        assert!(cut.sequence() < end.sequence, "the chain ends before the checkpoint");
        let other = verify(&chain("key", &["a", "b", "x"])).unwrap();
        assert_eq!(other.compare(&end), Err(Broken::Rewritten(3)));
    }
}
