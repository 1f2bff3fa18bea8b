//! Which rows exist for a caller, as conditions of the query itself.

/// The condition under which a row of `resource` or `resource_history` exists for a caller; `None`: all of them do.
/// A version of history is judged by its own patient, author and audience, and by the thread as it is now.
macro_rules! seen {
    ($table:ident, $visibility:expr) => {{
        use diesel::dsl::exists;
        use domain::access::{Conversations, Sees, Threads};
        use domain::change::Audience;
        use $crate::schema::{held_message, thread, thread_participant};
        type Seen = Box<dyn BoxableExpression<$table::table, Db, SqlType = Nullable<Bool>>>;

        // What is about no patient and in no thread, such as a HealthcareService, is everybody's to read.
        let common = || $table::patient.is_null().and($table::thread.is_null());
        let open = || $table::audience.eq(Audience::Thread.as_str());
        let mine = |me: &str| $table::audience.eq(Audience::Author.as_str()).and($table::author.eq(me.to_owned()));
        let took_part = |me: &str| {
            exists(
                thread_participant::table
                    .filter(thread_participant::tenant.eq($table::tenant))
                    .filter(thread_participant::participant.eq(me.to_owned()))
                    .filter(thread_participant::thread.nullable().eq($table::thread)),
            )
        };
        match $visibility {
            Visibility::Everything => None::<Seen>,
            Visibility::Patient { patient, me, sees } => {
                let me = me.to_string();
                let theirs = $table::patient.eq(patient.to_string());
                let seen = theirs.or(common().nullable()).and(open().nullable().or(mine(&me)));
                if *sees == Sees::ALL {
                    Some(Box::new(seen) as Seen)
                } else {
                    let among = |threads: &Threads| -> Seen {
                        let (Threads::Only(ids) | Threads::AllBut(ids)) = threads;
                        let these =
                            $table::thread.eq_any(ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>());
                        match threads {
                            Threads::Only(_) => Box::new(these),
                            Threads::AllBut(_) => Box::new(diesel::dsl::not(these)),
                        }
                    };
                    let usual: Seen = match sees.usually {
                        Conversations::All => Box::new($table::thread.is_not_null().nullable()),
                        Conversations::Own => Box::new(took_part(&me).nullable().or(mine(&me))),
                    };
                    let shown = usual.or(among(&sees.mandate.shown));
                    let shown = shown.and(diesel::dsl::not(among(&sees.mandate.hidden)));
                    Some(Box::new(seen.and($table::thread.is_null().nullable().or(shown))) as Seen)
                }
            }
            Visibility::Staff { me, pools, leads, about } => {
                let me = me.to_string();
                let pools: Vec<String> = pools.iter().map(ToString::to_string).collect();
                let of_mine = exists(
                    thread::table
                        .filter(thread::tenant.eq($table::tenant))
                        .filter(thread::id.nullable().eq($table::thread))
                        .filter(thread::pool_reference.eq_any(pools).or(thread::owner.eq(me.clone()))),
                );
                let theirs =
                    $table::audience.ne(Audience::Author.as_str()).and(common().or(of_mine).or(took_part(&me)));
                let seen = theirs.nullable().or(mine(&me));
                let reviews = !leads.is_empty();
                let leads: Vec<String> = leads.iter().map(ToString::to_string).collect();
                // What waits, or waited, for a review, and the Task of the review.
                let to_review = exists(
                    held_message::table
                        .filter(held_message::tenant.eq($table::tenant))
                        .filter(
                            held_message::message
                                .eq($table::id)
                                .and($table::kind.eq("Communication"))
                                .or(held_message::task.eq($table::id).and($table::kind.eq("Task"))),
                        )
                        .filter(held_message::pool_reference.eq_any(leads)),
                );
                let seen =
                    if reviews { Box::new(seen.or(to_review.nullable())) as Seen } else { Box::new(seen) as Seen };
                Some(match about {
                    Some(patient) => {
                        let concerns = $table::patient.eq(patient.to_string()).or(common().nullable());
                        // A team of the patient in context.
                        let standing = $table::thread.is_null().and($table::audience.ne(Audience::Author.as_str()));
                        Box::new(seen.or(standing.nullable()).and(concerns)) as Seen
                    }
                    None => seen,
                })
            }
        }
    }};
}
pub(super) use seen;

/// The condition under which an earlier version goes on being shown to a caller who sees such versions: nothing hides it
/// but a retraction, from all but its author and the leads of the pool. `None`: nothing hides anything.
macro_rules! kept {
    (resource, $visibility:expr) => {
        // The current version of what was retracted says nothing that would have to be hidden.
        None::<Box<dyn BoxableExpression<resource::table, Db, SqlType = Nullable<Bool>>>>
    };
    (resource_history, $visibility:expr) => {{
        use diesel::dsl::exists;
        use $crate::schema::retracted_message;
        type Kept = Box<dyn BoxableExpression<resource_history::table, Db, SqlType = Nullable<Bool>>>;

        let retracted = || {
            retracted_message::table
                .filter(retracted_message::tenant.eq(resource_history::tenant))
                .filter(retracted_message::message.eq(resource_history::id))
        };
        let spoken = || resource_history::kind.ne("Communication").or(diesel::dsl::not(exists(retracted())));
        let mine = |me: &Reference| resource_history::author.eq(me.to_string());
        match $visibility {
            Visibility::Everything => None::<Kept>,
            Visibility::Patient { me, .. } => Some(Box::new(mine(me).or(spoken())) as Kept),
            Visibility::Staff { me, leads, .. } if leads.is_empty() => Some(Box::new(mine(me).or(spoken())) as Kept),
            Visibility::Staff { me, leads, .. } => {
                let leads: Vec<String> = leads.iter().map(ToString::to_string).collect();
                let led = exists(retracted().filter(retracted_message::pool_reference.eq_any(leads)));
                Some(Box::new(mine(me).or(spoken()).or(led)) as Kept)
            }
        }
    }};
}
pub(super) use kept;
