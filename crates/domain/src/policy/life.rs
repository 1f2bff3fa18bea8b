//! The life of a bundle: which state follows which, and what moves together.
//!
//! draft -> shadow -> scheduled -> active -> retired; each may be passed over, and what was retired may come back. Only a
//! draft may be edited. Exactly one bundle is active, and one at most is in shadow.

use crate::change::{BundleRow, BundleState};
use crate::time::Instant;

/// Why a bundle stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its text is fixed.
    #[error("this version is no draft any more, so its text is fixed")]
    Fixed,
    /// It is in force.
    #[error("this version is in force")]
    InForce,
    /// Another is in shadow.
    #[error("another version is in shadow")]
    ShadowTaken,
}

impl Refusal {
    /// What to do instead.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Fixed => "give the bundle a higher version and send it again",
            Self::InForce => "activate the version that is to follow it; this one retires in the same moment",
            Self::ShadowTaken => "retire or activate the one in shadow first",
        }
    }
}

/// A draft that is to be stored, if its text may still change.
pub fn drafted(known: &[BundleRow], draft: BundleRow) -> Result<BundleRow, Refusal> {
    match known.iter().find(|row| row.id == draft.id && row.version == draft.version) {
        Some(row) if row.state != BundleState::Draft => Err(Refusal::Fixed),
        _ => Ok(BundleRow { state: BundleState::Draft, ..draft }),
    }
}

/// What is written so that a bundle comes into force at `from`: itself, and now the one before it as retired. Nothing,
/// when it is in force already. What is owed under the one before is finished under its terms, unless the row that comes
/// says why it falls away.
pub fn activated(
    known: &[BundleRow],
    bundle: &BundleRow,
    from: Instant,
    now: Instant,
) -> Result<Vec<BundleRow>, Refusal> {
    if bundle.state == BundleState::Active {
        return if from > now || bundle.cancels.is_some() { Err(Refusal::InForce) } else { Ok(vec![]) };
    }
    if from > now {
        return Ok(vec![BundleRow { state: BundleState::Scheduled, effective_from: from, ..bundle.clone() }]);
    }
    let before = known.iter().filter(|row| row.state == BundleState::Active);
    let mut rows: Vec<_> = before.map(|row| BundleRow { state: BundleState::Retired, ..row.clone() }).collect();
    rows.push(BundleRow { state: BundleState::Active, effective_from: from, ..bundle.clone() });
    Ok(rows)
}

/// What is written so that a bundle is evaluated beside the one in force.
pub fn shadowed(known: &[BundleRow], bundle: &BundleRow, now: Instant) -> Result<Vec<BundleRow>, Refusal> {
    match bundle.state {
        BundleState::Shadow => Ok(vec![]),
        BundleState::Active => Err(Refusal::InForce),
        BundleState::Draft | BundleState::Scheduled | BundleState::Retired => {
            if known.iter().any(|row| row.state == BundleState::Shadow) {
                return Err(Refusal::ShadowTaken);
            }
            Ok(vec![BundleRow { state: BundleState::Shadow, effective_from: now, ..bundle.clone() }])
        }
    }
}

/// What is written so that a bundle is used no longer.
pub fn retired(bundle: &BundleRow) -> Result<Vec<BundleRow>, Refusal> {
    match bundle.state {
        BundleState::Retired => Ok(vec![]),
        BundleState::Active => Err(Refusal::InForce),
        BundleState::Draft | BundleState::Shadow | BundleState::Scheduled => {
            Ok(vec![BundleRow { state: BundleState::Retired, ..bundle.clone() }])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::CancelReason;

    fn row(version: i32, state: BundleState) -> BundleRow {
        let effective_from = Instant::from_second(i64::from(version));
        BundleRow { id: "b".into(), version, hash: "h".into(), state, effective_from, body: "{}".into(), cancels: None }
    }

    fn states(rows: &[BundleRow]) -> Vec<(i32, BundleState)> {
        rows.iter().map(|row| (row.version, row.state)).collect()
    }

    const ALL: [BundleState; 5] =
        [BundleState::Draft, BundleState::Shadow, BundleState::Scheduled, BundleState::Active, BundleState::Retired];

    #[test]
    fn whatever_comes_into_force_retires_the_one_before_in_the_same_change() {
        let now = Instant::from_second(100);
        for state in ALL.into_iter().filter(|state| *state != BundleState::Active) {
            let known = [row(1, BundleState::Active), row(2, state)];
            let rows = activated(&known, &known[1], now, now).unwrap();
            assert_eq!(states(&rows), [(1, BundleState::Retired), (2, BundleState::Active)]);
            assert_eq!((rows[0].effective_from, rows[1].effective_from), (Instant::from_second(1), now));
        }
        let known = [row(1, BundleState::Active)];
        assert_eq!(activated(&known, &known[0], now, now), Ok(vec![]), "it is already");
        let cancelling = BundleRow { cancels: Some(CancelReason::ClinicCloses), ..known[0].clone() };
        assert_eq!(
            activated(&known, &cancelling, now, now),
            Err(Refusal::InForce),
            "nothing retires that would cancel"
        );
    }

    #[test]
    fn what_comes_into_force_later_leaves_the_active_one_alone() {
        let (now, later) = (Instant::from_second(100), Instant::from_second(200));
        let known = [row(1, BundleState::Active), row(2, BundleState::Draft)];
        let rows = activated(&known, &known[1], later, now).unwrap();
        assert_eq!((states(&rows), rows[0].effective_from), (vec![(2, BundleState::Scheduled)], later));
        assert_eq!(activated(&known, &known[0], later, now), Err(Refusal::InForce));
    }

    #[test]
    fn the_active_one_is_neither_retired_nor_tried_nor_edited() {
        let known = [row(1, BundleState::Active), row(2, BundleState::Shadow), row(3, BundleState::Draft)];
        let now = Instant::from_second(100);
        assert_eq!(retired(&known[0]), Err(Refusal::InForce));
        assert_eq!(shadowed(&known, &known[0], now), Err(Refusal::InForce));
        assert_eq!(shadowed(&known, &known[2], now), Err(Refusal::ShadowTaken));
        assert_eq!(shadowed(&known, &known[1], now), Ok(vec![]));
        assert_eq!(drafted(&known, row(1, BundleState::Draft)), Err(Refusal::Fixed));
        assert!(
            drafted(&known, row(3, BundleState::Draft)).is_ok() && drafted(&known, row(4, BundleState::Draft)).is_ok()
        );
    }
}
