//! Blocks of those who write.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use domain::change::Change;
use domain::hold::{Block, BlockEnd, BlockReason};
use domain::id::{Reference, ResourceId, TenantId};
use domain::time::Instant;

use super::Conn;
use super::resource::read_id;
use super::statement::{Rows, Sql, insert, run};
use super::thread::read_reference;
use crate::error::{QueryError, unreadable};
use crate::schema::sender_block;
use crate::types::{Micros, Ts};

rows! {
    BlockRow, BlockRows in "sender_block" on "DO NOTHING" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        at: Ts = Micros,
        sender: Text = String,
        pool: Nullable<Text> = Option<&'a str>,
        pool_reference: Nullable<Text> = Option<String>,
        reason: Text = &'static str,
        until_at: Ts = Micros,
        contact: Nullable<Text> = Option<&'a str>,
        agent: Nullable<Text> = Option<String>,
        client: Text = &'a str,
    }
}

rows! {
    EndRow, EndRows {
        tenant: Text = &'a str,
        id: Text = &'a str,
        ended_at: Ts = Micros,
        ended_by: Nullable<Text> = Option<String>,
    }
}

/// Ends blocks; each ends once.
struct End;
impl Sql for End {
    const BEFORE: &'static str = "UPDATE sender_block SET ended_at = given.ended_at, ended_by = given.ended_by FROM ";
    const AFTER: &'static str =
        " WHERE sender_block.tenant = given.tenant AND sender_block.id = given.id AND sender_block.ended_at IS NULL";
}

/// Writes blocks that begin or end; `false` when one has begun or ended before.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let (mut begun, mut ended) = (BlockRows::default(), EndRows::default());
    for change in changes {
        let tenant = change.tenant.as_str();
        for block in &change.blocks {
            match &block.ended {
                None => begun.push(BlockRow {
                    tenant,
                    id: block.id.as_str(),
                    at: block.at.into(),
                    sender: block.sender.to_string(),
                    pool: block.pool.as_deref(),
                    pool_reference: block.pool_reference.as_ref().map(ToString::to_string),
                    reason: block.reason.as_str(),
                    until_at: block.until.into(),
                    contact: block.contact.as_deref(),
                    agent: block.agent.as_ref().map(ToString::to_string),
                    client: &block.client,
                }),
                Some(end) => ended.push(EndRow {
                    tenant,
                    id: block.id.as_str(),
                    ended_at: end.at.into(),
                    ended_by: end.agent.as_ref().map(ToString::to_string),
                }),
            }
        }
    }
    Ok(insert(conn, &begun)? == begun.count() && run::<End, _>(conn, &ended)? == ended.count())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sender_block)]
struct Found {
    id: String,
    at: Micros,
    sender: String,
    pool: Option<String>,
    pool_reference: Option<String>,
    reason: String,
    until_at: Micros,
    contact: Option<String>,
    agent: Option<String>,
    client: String,
    ended_at: Option<Micros>,
    ended_by: Option<String>,
}

impl TryFrom<Found> for Block {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        let by = row.ended_by.map(read_reference).transpose()?;
        Ok(Self {
            id: read_id(row.id)?,
            at: row.at.instant(),
            sender: read_reference(row.sender)?,
            pool: row.pool,
            pool_reference: row.pool_reference.map(read_reference).transpose()?,
            reason: BlockReason::from_code(&row.reason).ok_or_else(|| unreadable("sender_block.reason"))?,
            until: row.until_at.instant(),
            contact: row.contact,
            agent: row.agent.map(read_reference).transpose()?,
            client: row.client,
            ended: row.ended_at.map(|at| BlockEnd { at: at.instant(), agent: by }),
        })
    }
}

/// A block.
pub fn by_id(conn: &mut Conn, tenant: &TenantId, id: &ResourceId) -> Result<Option<Block>, QueryError> {
    let found: Option<Found> =
        sender_block::table.find((tenant.as_str(), id.as_str())).select(Found::as_select()).first(conn).optional()?;
    found.map(Block::try_from).transpose()
}

/// The blocks that end after `since`, newest first, also those that a person has ended: those of the pools named or,
/// without any, of the tenant.
pub fn list(
    conn: &mut Conn,
    tenant: &TenantId,
    pools: Option<&[Reference]>,
    since: Instant,
    limit: u16,
) -> Result<Vec<Block>, QueryError> {
    let mut query = sender_block::table
        .filter(sender_block::tenant.eq(tenant.as_str()))
        .filter(sender_block::until_at.gt(Micros::from(since)))
        .order((sender_block::at.desc(), sender_block::id))
        .limit(limit.into())
        .select(Found::as_select())
        .into_boxed();
    if let Some(pools) = pools {
        let pools: Vec<String> = pools.iter().map(ToString::to_string).collect();
        query = query.filter(sender_block::pool_reference.eq_any(pools));
    }
    let found: Vec<Found> = query.load(conn)?;
    found.into_iter().map(Block::try_from).collect()
}
