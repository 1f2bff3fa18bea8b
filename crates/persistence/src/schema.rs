//! The tables, alike in both databases: [`Ts`](crate::types::Ts) is the one column type that differs.
//! What the columns mean is said beside them in `migrations/`.

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    resource (tenant, kind, id) {
        tenant -> Text,
        kind -> Text,
        id -> Text,
        version -> Integer,
        last_updated_at -> Ts,
        date_at -> Ts,
        deleted -> Bool,
        thread -> Nullable<Text>,
        patient -> Nullable<Text>,
        author -> Nullable<Text>,
        audience -> Text,
        body -> Text,
        status -> Nullable<Text>,
        priority -> Nullable<Text>,
        made_by_update -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    resource_history (tenant, kind, id, version) {
        tenant -> Text,
        kind -> Text,
        id -> Text,
        version -> Integer,
        last_updated_at -> Ts,
        date_at -> Ts,
        deleted -> Bool,
        thread -> Nullable<Text>,
        patient -> Nullable<Text>,
        author -> Nullable<Text>,
        audience -> Text,
        body -> Text,
        made_by_update -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    search_value (tenant, kind, id, number) {
        tenant -> Text,
        kind -> Text,
        id -> Text,
        number -> Integer,
        param -> Text,
        system -> Nullable<Text>,
        value -> Nullable<Text>,
        low_at -> Nullable<Ts>,
        high_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    unique_key (tenant, namespace, key) {
        tenant -> Text,
        namespace -> Text,
        key -> Text,
        owner_kind -> Text,
        owner_id -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    thread (tenant, id) {
        tenant -> Text,
        id -> Text,
        patient -> Nullable<Text>,
        pool -> Nullable<Text>,
        pool_reference -> Nullable<Text>,
        owner -> Nullable<Text>,
        category -> Nullable<Text>,
        priority -> Text,
        state -> Text,
        opened_at -> Ts,
        last_activity_at -> Ts,
        last_staff_at -> Nullable<Ts>,
        patient_messages -> Integer,
        cycle -> Integer,
        task -> Nullable<Text>,
        replied_cycle -> Integer,
        needs_review -> Bool,
        revision -> Integer,
        assigned -> Nullable<Text>,
        tags -> Text,
        merged_into -> Nullable<Text>,
        limits_lifted_until -> Nullable<Ts>,
        quiet_lifted_until -> Nullable<Ts>,
        zone -> Nullable<Text>,
        handed_cycle -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    thread_participant (tenant, participant, thread) {
        tenant -> Text,
        participant -> Text,
        thread -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    clock (tenant, id) {
        tenant -> Text,
        id -> Text,
        thread -> Text,
        name -> Text,
        cycle -> Integer,
        task -> Nullable<Text>,
        state -> Text,
        started_at -> Nullable<Ts>,
        due_at -> Nullable<Ts>,
        promised_at -> Nullable<Ts>,
        stopped_at -> Nullable<Ts>,
        breached_at -> Nullable<Ts>,
        next_at -> Nullable<Ts>,
        next_threshold -> Nullable<Text>,
        claimed_until -> Nullable<Ts>,
        entries -> Integer,
        revision -> Integer,
        terms -> Text,
        fold -> Text,
        fired -> Text,
        counted_by -> Text,
        calendar -> Text,
        bundle -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    clock_entry (tenant, clock, sequence) {
        tenant -> Text,
        clock -> Text,
        sequence -> Integer,
        at -> Ts,
        event -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    clock_segment (tenant, clock, number) {
        tenant -> Text,
        clock -> Text,
        number -> Integer,
        from_at -> Ts,
        until_at -> Nullable<Ts>,
        running -> Bool,
        calendar -> Text,
        used_seconds -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    firing (tenant, clock, cycle, threshold) {
        tenant -> Text,
        clock -> Text,
        cycle -> Integer,
        threshold -> Text,
        at -> Ts,
        fired_at -> Ts,
        cause -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    outbox (tenant, id) {
        tenant -> Text,
        id -> Text,
        kind -> Text,
        topic -> Text,
        recipient -> Nullable<Text>,
        thread -> Nullable<Text>,
        focus_kind -> Nullable<Text>,
        focus_id -> Nullable<Text>,
        occurred_at -> Ts,
        release_at -> Ts,
        claimed_until -> Nullable<Ts>,
        dispatched_at -> Nullable<Ts>,
        delivery -> Nullable<Text>,
        hours -> Text,
        priority -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    delivery (tenant, id) {
        tenant -> Text,
        id -> Text,
        recipient -> Text,
        at -> Ts,
        outbox -> Text,
        topics -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    decision (tenant, id) {
        tenant -> Text,
        id -> Text,
        at -> Ts,
        focus_kind -> Text,
        focus_id -> Text,
        thread -> Nullable<Text>,
        outcome -> Text,
        bundle -> Text,
        body -> Text,
        mode -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    audit (tenant, id) {
        tenant -> Text,
        id -> Text,
        at -> Ts,
        client -> Text,
        agent -> Nullable<Text>,
        action -> Text,
        interaction -> Text,
        focus_kind -> Nullable<Text>,
        focus_id -> Nullable<Text>,
        version -> Nullable<Integer>,
        patient -> Nullable<Text>,
        query -> Nullable<Text>,
        given -> Integer,
        request -> Text,
        outcome -> Text,
        source -> Nullable<Text>,
        purpose -> Nullable<Text>,
        sequence -> Nullable<BigInt>,
        seal -> Nullable<Text>,
        subject -> Nullable<Text>,
        issuer -> Nullable<Text>,
        about -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::Text;

    audit_about (tenant, reference, audit) {
        tenant -> Text,
        reference -> Text,
        audit -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    bundle (tenant, id, version) {
        tenant -> Text,
        id -> Text,
        version -> Integer,
        hash -> Text,
        state -> Text,
        effective_from -> Ts,
        body -> Text,
        cancels -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    catalogue_generation (tenant) {
        tenant -> Text,
        value -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    obligation_override (tenant, id) {
        tenant -> Text,
        id -> Text,
        at -> Ts,
        thread -> Text,
        task -> Nullable<Text>,
        decision -> Text,
        kind -> Text,
        reason -> Text,
        amount_seconds -> Nullable<BigInt>,
        due_at -> Nullable<Ts>,
        until_at -> Nullable<Ts>,
        note -> Nullable<Text>,
        agent -> Nullable<Text>,
        client -> Text,
        sender -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    correspondent (tenant, who) {
        tenant -> Text,
        who -> Text,
        memory -> Text,
        revision -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    scheduled_message (tenant, message) {
        tenant -> Text,
        message -> Text,
        sender -> Text,
        release_at -> Ts,
        facts -> Text,
        believed -> Bool,
        ended_at -> Nullable<Ts>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    read_mark (tenant, message, reader) {
        tenant -> Text,
        message -> Text,
        reader -> Text,
        read_at -> Ts,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    retracted_message (tenant, message) {
        tenant -> Text,
        message -> Text,
        at -> Ts,
        pool_reference -> Nullable<Text>,
        decision -> Nullable<Text>,
        agent -> Nullable<Text>,
        client -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    held_message (tenant, message) {
        tenant -> Text,
        message -> Text,
        thread -> Text,
        sender -> Text,
        patient -> Nullable<Text>,
        pool -> Text,
        pool_reference -> Text,
        cause -> Text,
        rule -> Text,
        clock -> Text,
        task -> Text,
        received_at -> Ts,
        until_at -> Ts,
        facts -> Text,
        state -> Text,
        ended_at -> Nullable<Ts>,
        reason -> Nullable<Text>,
        decision -> Nullable<Text>,
        agent -> Nullable<Text>,
        client -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    sender_block (tenant, id) {
        tenant -> Text,
        id -> Text,
        at -> Ts,
        sender -> Text,
        pool -> Nullable<Text>,
        pool_reference -> Nullable<Text>,
        reason -> Text,
        until_at -> Ts,
        contact -> Nullable<Text>,
        agent -> Nullable<Text>,
        client -> Text,
        ended_at -> Nullable<Ts>,
        ended_by -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    simulation (tenant, id) {
        tenant -> Text,
        id -> Text,
        created_at -> Ts,
        baseline -> Text,
        baseline_hash -> Text,
        baseline_body -> Text,
        candidate -> Text,
        candidate_hash -> Text,
        candidate_body -> Text,
        from_at -> Ts,
        to_at -> Ts,
        state -> Text,
        processed -> BigInt,
        total -> BigInt,
        report -> Nullable<Text>,
        error -> Nullable<Text>,
        ended_at -> Nullable<Ts>,
        claimed_until -> Nullable<Ts>,
        revision -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    absence (tenant, id) {
        tenant -> Text,
        id -> Text,
        person -> Text,
        from_at -> Ts,
        until_at -> Ts,
        cover -> Nullable<Text>,
        reason -> Text,
        source -> Text,
        role -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    holiday (tenant, id) {
        tenant -> Text,
        id -> Text,
        holiday_set -> Text,
        date_on -> Text,
        name -> Text,
        shifts -> Text,
        confirmed -> Bool,
        source -> Text,
        uid -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::Ts;

    calendar (tenant, key) {
        tenant -> Text,
        key -> Text,
        body -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    audit,
    audit_about,
    held_message,
    read_mark,
    retracted_message,
    scheduled_message,
    resource,
    resource_history,
    search_value,
    thread,
    thread_participant,
    clock,
);
