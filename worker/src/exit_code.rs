//! The exit codes of errors, as `--help` lists them.

use crate::commands::config::InitError;
use mizan_client::{blobs::BlobError, ClientError};
use mizan_worker::{
    auditing::{follow::FollowError, AuditError},
    daemon::DaemonError,
    devices::Unusable,
    journal::JournalError,
    keystore::KeystoreError,
    metrics::MetricsError,
    registration::RegistrationError,
    settings::SettingsError,
};

const OTHER: u8 = 1;
const SETTINGS: u8 = 3;
const OTHER_CHAIN: u8 = 4;
const STORAGE: u8 = 5;
const REFUSED: u8 = 6;
const RIVAL: u8 = 7;
/// `doctor` found a problem.
pub(crate) const PROBLEMS: u8 = 8;
const CONVICTED: u8 = 9;
const NOT_AUDITOR: u8 = 10;
const NO_DEVICE: u8 = 11;

/// The exit code of an error.
pub(crate) fn of(error: &anyhow::Error) -> u8 {
    if error.is::<SettingsError>()
        || error.is::<KeystoreError>()
        || error.is::<MetricsError>()
        || error.is::<InitError>()
    {
        return SETTINGS;
    }
    // An auditor's own files; all other failures of audits are waited out.
    if error.is::<BlobError>() || error.is::<AuditError>() {
        return STORAGE;
    }
    if error.is::<Unusable>() {
        return NO_DEVICE;
    }
    if let Some(error) = error.downcast_ref() {
        return of_journal(error);
    }
    if let Some(error) = error.downcast_ref() {
        return of_chain(error);
    }
    match error.downcast_ref() {
        Some(DaemonError::Journal(error)) => return of_journal(error),
        Some(DaemonError::Chain(error)) => return of_chain(error),
        Some(DaemonError::Rival(_)) => return RIVAL,
        Some(DaemonError::Convicted(_)) => return CONVICTED,
        None => {}
    }
    match error.downcast_ref() {
        Some(FollowError::Chain(error)) => return of_chain(error),
        Some(FollowError::NotAuditor(_)) => return NOT_AUDITOR,
        None => {}
    }
    match error.downcast_ref() {
        Some(RegistrationError::Chain(error)) => of_chain(error),
        Some(_) => SETTINGS,
        None => OTHER,
    }
}

fn of_journal(error: &JournalError) -> u8 {
    match error {
        JournalError::OtherChain { .. } => OTHER_CHAIN,
        JournalError::InUse(_) | JournalError::Full(_) | JournalError::Storage { .. } => STORAGE,
    }
}

fn of_chain(error: &ClientError) -> u8 {
    match error {
        ClientError::Incompatible { .. } => OTHER_CHAIN,
        ClientError::Refused { .. } => REFUSED,
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_worker::{auditing::follow::NotAuditor, daemon::Convicted, rivals::Rival};

    #[test]
    fn errors_give_the_documented_exit_codes() {
        let incompatible = || ClientError::Incompatible {
            url: "ws://x".into(),
            spec_version: 2,
        };
        let refused = ClientError::Refused {
            pallet: "Jobs".into(),
            error: "X".into(),
            docs: "x".into(),
            extrinsic_hash: None,
        };
        let other = JournalError::OtherChain {
            path: "data".into(),
            journal: [1; 32],
            node: [2; 32],
        };
        let rival = Rival {
            worker: "5x".into(),
            what: "x".into(),
        };
        let convicted = Convicted {
            worker: "5x".into(),
        };
        let not_auditor = NotAuditor {
            account: "5x".into(),
        };
        let table: [(anyhow::Error, u8); 16] = [
            (KeystoreError::Missing("key".into()).into(), 3),
            (SettingsError::NoHome.into(), 3),
            (InitError::NoHome.into(), 3),
            (RegistrationError::OtherSlots(2).into(), 3),
            (incompatible().into(), 4),
            (DaemonError::Chain(incompatible()).into(), 4),
            (DaemonError::Journal(other).into(), 4),
            (BlobError::Corrupt("blob".into()).into(), 5),
            (JournalError::InUse("data".into()).into(), 5),
            (RegistrationError::Chain(refused).into(), 6),
            (DaemonError::Rival(rival).into(), 7),
            (DaemonError::Convicted(convicted).into(), 9),
            (FollowError::Chain(incompatible()).into(), 4),
            (FollowError::NotAuditor(not_auditor).into(), 10),
            (Unusable::CutOff.into(), 11),
            (anyhow::anyhow!("anything else"), 1),
        ];
        for (error, code) in table {
            assert_eq!(of(&error), code, "{error}");
        }
    }
}
