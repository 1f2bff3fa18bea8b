//! The matrix of permissions: who reaches which rows by which interaction. It is printed and kept, so that whoever
//! changes what somebody sees finds it here.

#![expect(clippy::unwrap_used, reason = "all of this is tests; clippy knows only functions marked as such")]

use std::fmt::Write as _;
use std::path::Path;

use domain::access::{Around, Caller, Mandate, PatientFacts, Permission, Row, Visibility};
use domain::change::Audience;
use domain::id::{Reference, ResourceType, TenantId};

const POOL: &str = "HealthcareService/refill";

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// Somebody with the widest scopes of a level.
struct Role {
    name: &'static str,
    user: Option<&'static str>,
    patient: Option<&'static str>,
    level: &'static str,
    pools: &'static [&'static str],
    leads: &'static [&'static str],
}

const fn role(
    name: &'static str,
    level: &'static str,
    user: Option<&'static str>,
    patient: Option<&'static str>,
) -> Role {
    Role { name, user, patient, level, pools: &[], leads: &[] }
}

fn roles() -> Vec<Role> {
    let member = |name, user, pools| Role { pools, ..role(name, "user", Some(user), None) };
    vec![
        role("the patient", "patient", Some("Patient/ana"), Some("ana")),
        role("the patient, as a user", "user", Some("Patient/ana"), None),
        role("a proxy of the patient", "patient", Some("RelatedPerson/mother"), Some("ana")),
        role("a proxy without the patient", "user", Some("RelatedPerson/mother"), None),
        role("another patient", "patient", Some("Patient/bo"), Some("bo")),
        role("an app without its patient", "patient", None, None),
        member("a member of the pool", "Practitioner/nurse", &[POOL]),
        Role { leads: &[POOL], ..member("a lead of the pool", "Practitioner/lead", &[POOL]) },
        member("a member of another pool", "Practitioner/far", &["HealthcareService/lab"]),
        role("staff who take part", "user", Some("Practitioner/doctor"), None),
        role("staff who have claimed it", "user", Some("Practitioner/owner"), None),
        role("staff with the patient in context", "patient", Some("Practitioner/far"), Some("ana")),
        Role {
            pools: &[POOL],
            ..role("a member, the patient in context", "patient", Some("Practitioner/nurse"), Some("ana"))
        },
        Role {
            pools: &[POOL],
            leads: &[POOL],
            ..role("a lead, another patient in context", "patient", Some("Practitioner/lead"), Some("bo"))
        },
        role("a machine", "system", None, None),
        role("a person with a machine's scopes", "system", Some("Practitioner/nurse"), None),
        role("an administrator", "postern", Some("Practitioner/admin"), None),
    ]
}

fn rows() -> Vec<(&'static str, ResourceType, Row)> {
    use ResourceType::{CareTeam, Communication, Consent, HealthcareService, PractitionerRole, Task};
    let around = Around {
        id: "t".parse().unwrap(),
        pool: Some(reference(POOL)),
        owner: Some(reference("Practitioner/owner")),
        participants: ["Patient/ana", "Practitioner/doctor"].map(reference).to_vec(),
    };
    let row = |author: &str, audience| Row {
        patient: Some(reference("Patient/ana")),
        author: Some(reference(author)),
        audience,
        thread: Some(around.clone()),
        review: None,
    };
    let held = |row: Row| Row { thread: None, review: Some(reference(POOL)), ..row };
    let common = Row { patient: None, author: None, audience: Audience::Thread, thread: None, review: None };
    vec![
        ("message of the conversation", Communication, row("Patient/ana", Audience::Thread)),
        ("note among staff", Communication, row("Practitioner/doctor", Audience::Staff)),
        ("draft of the patient", Communication, row("Patient/ana", Audience::Author)),
        ("draft of the proxy", Communication, row("RelatedPerson/mother", Audience::Author)),
        ("draft of the doctor", Communication, row("Practitioner/doctor", Audience::Author)),
        ("message held for review", Communication, held(row("Patient/ana", Audience::Author))),
        ("Task of the conversation", Task, row("Patient/ana", Audience::Thread)),
        ("Task of the review", Task, held(row("Practitioner/nobody", Audience::Author))),
        ("pool and its hours", HealthcareService, common.clone()),
        ("role and its absences", PractitionerRole, common.clone()),
        ("team of a pool", CareTeam, common.clone()),
        ("team of the patient", CareTeam, Row { patient: Some(reference("Patient/ana")), ..common.clone() }),
        ("Consent of the patient", Consent, Row { patient: Some(reference("Patient/ana")), ..common }),
    ]
}

/// What a role sees of a type for an interaction.
fn view(role: &Role, kind: ResourceType, permission: Permission) -> Option<Visibility> {
    let scope = if role.level == "postern" { "postern/admin.write" } else { &format!("{}/*.cruds", role.level) };
    let caller = Caller {
        tenant: TenantId::new("t"),
        client: "app".into(),
        issuer: "i".into(),
        subject: "s".into(),
        user: role.user.map(reference),
        patient: role.patient.map(|id| id.parse().unwrap()),
        pools: vec![],
        scopes: vec![scope.parse().unwrap()],
        purpose: None,
        facts: PatientFacts::default(),
        mandate: Mandate::default(),
    };
    let pools: Vec<Reference> = role.pools.iter().copied().map(reference).collect();
    let seen = caller.visibility(kind.as_str(), permission, &pools).ok()?;
    seen.leading(|_| role.leads.iter().copied().map(reference).collect()).of(kind, permission).ok()
}

fn printed() -> String {
    let (roles, rows) = (roles(), rows());
    let mut text = String::from(
        "Who reaches what. A letter of `cruds` says that the row is there for that interaction, with the widest scopes of\n\
         a level; what is there may still refuse a change by its own rules. `-`: nothing is there.\n",
    );
    for (row, kind, facts) in rows {
        write!(text, "\n{kind}: {row}\n").unwrap();
        for role in &roles {
            let letters: String = Permission::LETTERS
                .into_iter()
                .filter(|(_, permission)| view(role, kind, *permission).is_some_and(|view| view.shows(&facts)))
                .map(|(letter, _)| letter)
                .collect();
            let letters = if letters.is_empty() { "-" } else { &letters };
            writeln!(text, "    {:<36}{letters}", role.name).unwrap();
        }
    }
    text
}

/// After a change that is meant, `POSTERN_RECORDS=write cargo test -p domain --test access` keeps the new matrix.
#[test]
fn s1_the_matrix_of_permissions_is_the_one_that_is_kept() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access/matrix.txt");
    let now = printed();
    if std::env::var("POSTERN_RECORDS").is_ok_and(|wish| wish == "write") {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    for (now, kept) in now.lines().zip(kept.lines()) {
        assert_eq!(now, kept);
    }
    assert_eq!(now.lines().count(), kept.lines().count());
}

#[test]
fn nobody_without_a_part_in_it_reaches_a_conversation() {
    let strangers = ["another patient", "a member of another pool", "an administrator", "an app without its patient"];
    for role in roles().iter().filter(|role| strangers.contains(&role.name)) {
        for (row, kind, facts) in rows() {
            let directory = !matches!(kind, ResourceType::Communication | ResourceType::Task);
            for (letter, permission) in Permission::LETTERS {
                let there = view(role, kind, permission).is_some_and(|view| view.shows(&facts));
                assert!(directory || !there, "{}: {letter} on a {row}", role.name);
            }
        }
    }
}
