//! Absences: who covers for whom, without circles and without long chains.

use super::Lint;
use crate::policy::bundle::StandingCover;
use crate::policy::people::MAX_COVERS;

impl Lint<'_> {
    pub(super) fn absences(&mut self) {
        let covers = &self.bundle.absence.covers;
        for (place, cover) in covers.iter().enumerate() {
            let pointer = format!("/absence/covers/{place}");
            for (member, person) in [("person", &cover.person), ("by", &cover.by)] {
                if !person.is("Practitioner") && !person.is("PractitionerRole") {
                    let remedy = "refer to a Practitioner or a PractitionerRole";
                    self.error(format!("{pointer}/{member}"), "cannot answer", remedy);
                }
            }
            if covers[..place].iter().any(|other| other.person == cover.person) {
                let remedy = "name one cover; an absence may name another";
                self.error(format!("{pointer}/person"), "has a cover already", remedy);
            }
            match length(covers, cover) {
                None => self.error(
                    format!("{pointer}/by"),
                    "is covered, in the end, by the person they cover for",
                    "break the circle: let one of them have no cover, so that the pool answers",
                ),
                Some(length) if length > MAX_COVERS => {
                    let message = format!("stands at the head of a chain of more than {MAX_COVERS} covers");
                    self.error(format!("{pointer}/by"), message, "name somebody further down the chain");
                }
                Some(_) => {}
            }
        }
    }
}

/// How many covers follow each other from that one on; `None` when they come back to its person.
fn length(covers: &[StandingCover], first: &StandingCover) -> Option<usize> {
    let mut current = &first.by;
    let mut length = 1;
    // A circle that does not hold the first person is told where it stands.
    while length <= covers.len() {
        if *current == first.person {
            return None;
        }
        match covers.iter().find(|next| next.person == *current) {
            Some(next) => current = &next.by,
            None => return Some(length),
        }
        length += 1;
    }
    (*current != first.person).then_some(0)
}
