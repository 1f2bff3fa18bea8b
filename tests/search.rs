//! Finding things: each parameter, the order, the pages.

mod oracle;
mod paging;
mod parameter;
mod reach;
