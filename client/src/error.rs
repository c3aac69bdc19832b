//! What can go wrong between this process and the chain.

use crate::Hash;
use subxt::error::{
    BackendError, DispatchError, ExtrinsicError, RpcError, TransactionEventsError,
    TransactionProgressError, TransactionStatusError,
};

/// Why the chain was not read or a call not made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The node can't be reached, or the connection to it was lost.
    #[error("no connection to the node at {url}: {reason}")]
    Connection {
        /// The node's address.
        url: String,
        /// What failed.
        reason: String,
    },
    /// The node runs another chain, or a runtime that this client was not made for.
    #[error(
        "the node at {url} runs version {spec_version} of a runtime that this program was not \
         built for: use the program released with that version"
    )]
    Incompatible {
        /// The node's address.
        url: String,
        /// Version of its runtime.
        spec_version: u32,
    },
    /// The call was included and refused by the runtime. Fees, if any, were paid.
    #[error("{pallet}.{error}: {docs}")]
    Refused {
        /// The pallet that refused; `Runtime` when it was none of them.
        pallet: String,
        /// The error's name, as in metadata.
        error: String,
        /// The error's own sentence: the condition and what to do about it.
        docs: String,
        /// Hash of the transaction that a block holds all the same.
        extrinsic_hash: Option<Hash>,
    },
    /// The node did not take the transaction, or dropped it before it was in a block.
    #[error("the node did not take the transaction: {reason}")]
    Rejected {
        /// What the node says.
        reason: String,
    },
    /// A transaction was not seen in a block in time. It may still be included later.
    #[error("the transaction was not seen in a {stage} block for {seconds} seconds")]
    TimedOut {
        /// `best` or `finalised`.
        stage: &'static str,
        /// How long this process waited.
        seconds: u64,
    },
    /// The node no longer has, or never had, the state of that block.
    #[error("the node does not have block {0}")]
    BlockUnknown(String),
    /// The node refused to answer: unknown ids, pages that are too large, pruned blocks.
    #[error("{message} ({method}: error {code})")]
    Method {
        /// The JSON-RPC method.
        method: String,
        /// Its error code, as docs/rpc.md lists them.
        code: i32,
        /// What the node says.
        message: String,
    },
    /// The node answered something else than its metadata promises.
    #[error("the node's answer can't be used: {0}")]
    Unexpected(String),
}

impl ClientError {
    /// Whether the same may work later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::TimedOut { .. } | Self::Rejected { .. } => true,
            Self::BlockUnknown(_) | Self::Unexpected(_) => true,
            Self::Incompatible { .. } | Self::Refused { .. } | Self::Method { .. } => false,
        }
    }

    /// The same error, of that transaction.
    pub(crate) fn of_transaction(mut self, hash: Hash) -> Self {
        if let Self::Refused { extrinsic_hash, .. } = &mut self {
            *extrinsic_hash = Some(hash);
        }
        self
    }

    /// Whether the runtime refused with that error of that pallet.
    pub fn is_refusal(&self, of_pallet: &str, with_error: &str) -> bool {
        matches!(self, Self::Refused { pallet, error, .. }
            if pallet == of_pallet && error == with_error)
    }
}

/// An error of the library underneath, without saying yet whether the connection is the cause.
pub(crate) fn from_subxt(error: subxt::Error) -> ClientError {
    match error {
        subxt::Error::ExtrinsicError(error) => from_submission(error),
        subxt::Error::TransactionProgressError(error) => from_progress(error),
        subxt::Error::TransactionEventsError(error) => from_events(error),
        error => ClientError::Unexpected(error.to_string()),
    }
}

fn from_submission(error: ExtrinsicError) -> ClientError {
    match error {
        ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(RpcError::ClientError(
            subxt::rpcs::Error::User(error),
        ))) => {
            // The pool's message is a heading; the reason is in the data.
            let data = error
                .data
                .as_ref()
                .map(|data| data.get().trim_matches('"').to_owned());
            let reason = data.map_or(error.message.clone(), |data| {
                format!("{}: {data}", error.message)
            });
            ClientError::Rejected { reason }
        }
        ExtrinsicError::TransactionStatusError(error) => from_status(error),
        error => ClientError::Unexpected(error.to_string()),
    }
}

fn from_progress(error: TransactionProgressError) -> ClientError {
    match error {
        TransactionProgressError::TransactionStatusError(error) => from_status(error),
        error => ClientError::Unexpected(error.to_string()),
    }
}

fn from_status(error: TransactionStatusError) -> ClientError {
    ClientError::Rejected {
        reason: error.to_string(),
    }
}

fn from_events(error: TransactionEventsError) -> ClientError {
    match error {
        TransactionEventsError::ExtrinsicFailed(error) => refusal(&error),
        error => ClientError::Unexpected(error.to_string()),
    }
}

fn refusal(error: &DispatchError) -> ClientError {
    if let DispatchError::Module(module) = error {
        if let Ok(details) = module.details() {
            let sentence = details.variant.docs.iter().map(|line| line.trim());
            return ClientError::Refused {
                pallet: details.pallet.name().to_owned(),
                error: details.variant.name.clone(),
                docs: sentence.collect::<Vec<_>>().join(" "),
                extrinsic_hash: None,
            };
        }
    }
    ClientError::Refused {
        pallet: "Runtime".into(),
        error: format!("{error:?}"),
        docs: error.to_string(),
        extrinsic_hash: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_outside_pallets_names_the_runtime() {
        let refused = refusal(&DispatchError::BadOrigin);
        assert!(refused.is_refusal("Runtime", "BadOrigin"));
        assert!(!refused.is_transient());
    }

    #[test]
    fn what_the_pool_does_not_take_may_work_later() {
        let status = TransactionStatusError::Dropped("usurped".into());
        let rejected = from_subxt(ExtrinsicError::TransactionStatusError(status).into());
        assert!(
            matches!(&rejected, ClientError::Rejected { reason } if reason.contains("usurped"))
        );
        assert!(rejected.is_transient());
    }
}
