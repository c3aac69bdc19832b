//! `mizan-worker key`.

use crate::arguments::KeyCommand;
use anyhow::Result;
use mizan_client::account_of;
use mizan_worker::{keystore, settings::Settings};
use serde_json::json;
use std::io::Write;

/// Makes or shows the key; its secret is not shown.
pub(crate) fn key(command: &KeyCommand, settings: &Settings, out: &mut impl Write) -> Result<()> {
    let file = settings.key_file.display();
    match command {
        KeyCommand::New(_) => {
            let account = account_of(&keystore::create(&settings.key_file)?);
            writeln!(out, "{account}")?;
            eprintln!(
                "Its words are in {file}. Keep a copy: nobody can bring lost words back. \
                 `mizan-worker register` comes next."
            );
        }
        KeyCommand::Show(shown) => {
            let account = account_of(&keystore::load(settings)?).to_string();
            // A secret that was given itself goes before the file.
            let file = settings.key.is_none().then(|| file.to_string());
            match shown.json {
                true => writeln!(out, "{}", json!({ "account": account, "key_file": file }))?,
                false => writeln!(out, "{account}")?,
            }
        }
    }
    Ok(())
}
