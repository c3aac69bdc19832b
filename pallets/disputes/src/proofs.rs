//! Fraud proofs: what is wrong is shown, and judged by arithmetic.

use crate::*;
use alloc::vec::Vec;
use frame_support::{
    dispatch::{DispatchResultWithPostInfo, Pays, PostDispatchInfo},
    ensure,
    traits::{
        fungible::{Balanced, Inspect},
        tokens::{Fortitude, Precision, Preservation},
        Get, Imbalance, OnUnbalanced,
    },
    weights::Weight,
};
use mizan_protocol::{
    jobs::{AuditScope, Grounds},
    traits::{ClaimedResult, ClaimedResults, Models, NotInChallenge},
};
use mizan_tensor::{Claim, Finding, Hash, Plan, Program, Referee, RefereeError, SliceError};

impl<T> From<NotInChallenge> for Error<T> {
    fn from(why: NotInChallenge) -> Self {
        match why {
            NotInChallenge::JobUnknown => Self::JobUnknown,
            NotInChallenge::NotAttested => Self::NotAttested,
            NotInChallenge::Over => Self::Over,
            NotInChallenge::AlreadyConvicted => Self::AlreadyConvicted,
        }
    }
}

impl<T> Error<T> {
    /// Why an answer is none.
    pub(crate) fn of_answer(error: RefereeError) -> Self {
        match Flaw::from(error) {
            Flaw::WrongEvidenceLength => Self::WrongAnswerLength,
            Flaw::NothingWrong
            | Flaw::NoSuchPlace
            | Flaw::WrongHash
            | Flaw::NotSigned
            | Flaw::OtherAssignment => Self::WrongHash,
        }
    }
}

impl From<RefereeError> for Flaw {
    fn from(error: RefereeError) -> Self {
        match error {
            RefereeError::LengthIsRight | RefereeError::NotCommitted => Self::NothingWrong,
            RefereeError::WrongClaim
            | RefereeError::NoSuchOperation
            | RefereeError::NoSuchElement
            | RefereeError::NoSuchBlob
            | RefereeError::NoSuchChunks
            | RefereeError::NoSuchNode
            | RefereeError::Slice(SliceError::OutOfRange) => Self::NoSuchPlace,
            RefereeError::TrailingBytes | RefereeError::Slice(SliceError::Truncated) => {
                Self::WrongEvidenceLength
            }
            RefereeError::Slice(SliceError::WrongHash) => Self::WrongHash,
        }
    }
}

/// A claimed result together with the program that it must follow.
pub(crate) struct Subject<AccountId> {
    pub(crate) result: ClaimedResult<AccountId>,
    pub(crate) program_bytes: u32,
    plan: Plan,
    inputs: Vec<Hash>,
    outputs: Vec<Hash>,
}

impl<AccountId> Subject<AccountId> {
    /// Whether an element is in the drawn set of a seed.
    pub(crate) fn is_drawn(
        &self,
        scope: AuditScope,
        seed: &H256,
        operation: u16,
        index: u64,
    ) -> bool {
        let (seed, batch) = (seed.as_fixed_bytes(), self.result.batch);
        mizan_tensor::is_drawn(&self.plan, batch, scope, seed, operation, index)
    }

    /// Bytes over which a receipt is made.
    pub(crate) fn receipt_bytes(&self, scope: AuditScope) -> Option<u64> {
        mizan_tensor::receipt_bytes(&self.plan, self.result.batch, scope)
    }

    /// Lets the referee look at it.
    pub(crate) fn ask<R>(
        &self,
        question: impl FnOnce(&Referee<'_>) -> Result<R, RefereeError>,
    ) -> Result<R, RefereeError> {
        let claim = Claim {
            batch: self.result.batch,
            inputs: &self.inputs,
            outputs: &self.outputs,
            trace: self.result.trace.as_fixed_bytes(),
        };
        question(&Referee::new(&self.plan, claim)?)
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn subject(job: JobId) -> Result<Subject<T::AccountId>, Error<T>> {
        let result = T::Results::claimed(job).map_err(Error::<T>::from)?;
        let bytes = T::Models::program(&result.model).ok_or(Error::<T>::JobUnknown)?;
        // Registration checked it with the same code; a model is never taken off.
        let program = Program::from_bytes(&bytes).map_err(|_| Error::<T>::JobUnknown)?;
        let plan = Plan::new(program).map_err(|_| Error::<T>::JobUnknown)?;
        let hashes = |of: &Hashes| of.iter().map(|hash| hash.0).collect();
        Ok(Subject {
            program_bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            plan,
            inputs: hashes(&result.inputs),
            outputs: hashes(&result.outputs),
            result,
        })
    }

    pub(crate) fn do_submit_fraud_proof(
        challenger: T::AccountId,
        job: JobId,
        accusation: Accusation,
        evidence: &[u8],
    ) -> DispatchResultWithPostInfo {
        Self::ensure_proof_deposit(&challenger)?;
        let subject = Self::subject(job)?;
        let bytes = u32::try_from(evidence.len()).unwrap_or(u32::MAX);
        let weight = T::WeightInfo::submit_fraud_proof_of(subject.program_bytes, bytes);
        let verdict = match subject.ask(|referee| referee.judge(&accusation, evidence)) {
            Ok(Finding::Wrong) => Ok(Grounds::Wrong(accusation)),
            Ok(Finding::Right) => Err(Flaw::NothingWrong),
            Err(error) => Err(error.into()),
        };
        // What an auditor at work looks at is its to find: copying its proof gains nothing.
        let auditor = Self::auditor_of(job, &subject, &accusation);
        Self::conclude(challenger, auditor, job, verdict, weight)
    }

    pub(crate) fn do_submit_second_attestation(
        challenger: T::AccountId,
        job: JobId,
        payload: &[u8],
        signature: &T::Signature,
    ) -> DispatchResultWithPostInfo {
        Self::ensure_proof_deposit(&challenger)?;
        let result = T::Results::claimed(job).map_err(Error::<T>::from)?;
        let case = Cases::<T>::get(job).ok_or(Error::<T>::JobUnknown)?;
        let signed = T::AttestationReader::read(payload, signature, &result.worker);
        let verdict = match signed {
            None => Err(Flaw::NotSigned),
            Some(other)
                if other.job != job || other.assigned_block_hash != case.assigned_block_hash =>
            {
                Err(Flaw::OtherAssignment)
            }
            Some(other) if other.outputs == result.outputs && other.trace == result.trace => {
                Err(Flaw::NothingWrong)
            }
            Some(_) => Ok(Grounds::SecondAttestation),
        };
        let weight = T::WeightInfo::submit_second_attestation();
        Self::conclude(challenger, None, job, verdict, weight)
    }

    /// A proof that fails costs a deposit: who can't pay it need not be heard.
    fn ensure_proof_deposit(challenger: &T::AccountId) -> Result<(), Error<T>> {
        let free =
            T::Currency::reducible_balance(challenger, Preservation::Preserve, Fortitude::Polite);
        ensure!(
            free >= T::Economics::get().proof_deposit,
            Error::<T>::BalanceTooLow
        );
        Ok(())
    }

    /// Convicts the worker, or lets the challenger pay for having accused it. The reward goes to
    /// the auditor, if there is one.
    fn conclude(
        challenger: T::AccountId,
        auditor: Option<T::AccountId>,
        job: JobId,
        verdict: Result<Grounds, Flaw>,
        weight: Weight,
    ) -> DispatchResultWithPostInfo {
        let flaw = match verdict {
            Ok(grounds) => {
                Self::deposit_event(Event::FraudProved {
                    job,
                    challenger: challenger.clone(),
                    grounds,
                });
                let rewarded = auditor.unwrap_or(challenger);
                T::Results::convict(job, grounds, Some(rewarded)).map_err(Error::<T>::from)?;
                return Ok(PostDispatchInfo {
                    actual_weight: Some(weight),
                    pays_fee: Pays::No,
                });
            }
            Err(flaw) => flaw,
        };
        // The call succeeds, so that the deposit is really taken: an error would undo it.
        let taken = T::Currency::withdraw(
            &challenger,
            T::Economics::get().proof_deposit,
            Precision::Exact,
            Preservation::Preserve,
            Fortitude::Polite,
        )?;
        let burned = taken.peek();
        T::BurnedDeposit::on_unbalanced(taken);
        Self::deposit_event(Event::FraudProofFailed {
            job,
            challenger,
            flaw,
            burned,
        });
        Ok(Some(weight).into())
    }
}
