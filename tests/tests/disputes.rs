//! Nobody has to be trusted: workers that cheat, as processes of their own, and who notices.

#[path = "disputes/hiding.rs"]
mod hiding;
#[path = "disputes/honest.rs"]
mod honest;
#[path = "disputes/lying.rs"]
mod lying;
