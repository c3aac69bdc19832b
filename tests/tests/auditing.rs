//! Nobody but auditors looks, and some of them can't be trusted either: who notices, and who pays.
//!
//! Every result is audited on the chains of these tests. Who is drawn is decided by who is
//! registered then; and nobody audits a job of which it is the requester.

#[path = "auditing/advised.rs"]
mod advised;
#[path = "auditing/bought.rs"]
mod bought;
#[path = "auditing/drawn.rs"]
mod drawn;
#[path = "auditing/missing.rs"]
mod missing;
