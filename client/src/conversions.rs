//! From what is generated to the plain structs of [`views`](crate::views).

use crate::{
    audits::{AuditStage, AuditView, DrawReason, DrawView, OpenAuditView, OrderView, PassView},
    runtime::runtime_types::{
        bounded_collections::bounded_vec::BoundedVec,
        mizan_protocol::{constants, jobs, traits::ModelSummary},
        pallet_contributions,
        pallet_disputes::audit,
        pallet_models, pallet_providers,
    },
    views::{
        Assignment, Attestation, AuditOutcome, Contribution, Economics, EndReason, JobState,
        JobView, ModelView, ProviderView, Settlement, Timing, WorkerView,
    },
    AccountId, Hash,
};
use mizan_tensor::Cost;
use subxt::utils::H256;

fn hashes(hashes: BoundedVec<H256>) -> Vec<Hash> {
    hashes.0.into_iter().map(|hash| hash.0).collect()
}

/// The chain takes only printable ASCII.
fn address(address: BoundedVec<u8>) -> String {
    String::from_utf8_lossy(&address.0).into_owned()
}

pub(crate) fn job(id: u64, job: jobs::Job<AccountId>) -> JobView {
    JobView {
        id,
        requester: job.requester,
        model: job.model.0,
        batch: job.batch,
        inputs: hashes(job.inputs),
        macs: job.macs,
        price_per_unit: job.price_per_unit,
        held: job.held,
        deposit: job.deposit,
        duration_blocks: job.duration_blocks,
        wait_until_block: job.wait_until_block,
        directed: job.directed,
        excluded: job.excluded.0,
        missing_inputs: job.missing_inputs.0,
        blob_servers: job.blob_servers.0.into_iter().map(address).collect(),
        due_block: job.due_block,
        state: job.state.into(),
    }
}

impl From<jobs::JobState<AccountId>> for JobState {
    fn from(state: jobs::JobState<AccountId>) -> Self {
        match state {
            jobs::JobState::Open => Self::Open,
            jobs::JobState::Assigned(assignment) => Self::Assigned {
                assignment: assignment.into(),
            },
            jobs::JobState::Attested(assignment, attestation) => Self::Attested {
                assignment: assignment.into(),
                attestation: attestation.into(),
            },
            jobs::JobState::Settled(assignment, attestation, settled) => Self::Settled {
                assignment: assignment.into(),
                attestation: attestation.into(),
                settlement: settled.into(),
            },
            jobs::JobState::Ended { reason, block } => Self::Ended {
                reason: reason.into(),
                block,
            },
            jobs::JobState::Convicted(assignment, attestation, conviction) => Self::Convicted {
                assignment: assignment.into(),
                attestation: attestation.into(),
                conviction: conviction.into(),
            },
            jobs::JobState::Refused(assignment, attestation, block) => Self::Refused {
                assignment: assignment.into(),
                attestation: attestation.into(),
                block,
            },
        }
    }
}

impl From<jobs::Assignment<AccountId>> for Assignment {
    fn from(assignment: jobs::Assignment<AccountId>) -> Self {
        Self {
            worker: assignment.worker,
            provider: assignment.provider,
            payment: assignment.payment,
            lock: assignment.lock,
            assigned_block: assignment.assigned_block,
            attest_by_block: assignment.attest_by_block,
        }
    }
}

impl From<jobs::Attestation> for Attestation {
    fn from(attestation: jobs::Attestation) -> Self {
        Self {
            outputs: hashes(attestation.outputs),
            trace: attestation.trace.0,
            attested_block: attestation.attested_block,
            settles_block: attestation.settles_block,
        }
    }
}

impl From<jobs::Settled> for Settlement {
    fn from(settled: jobs::Settled) -> Self {
        Self {
            payment: settled.payment,
            worker_paid: settled.worker_paid,
            auditors_paid: settled.auditors_paid,
            burned: settled.burned,
            minted: settled.minted,
            audit: settled.audit.into(),
            settled_block: settled.settled_block,
        }
    }
}

impl From<jobs::AuditOutcome> for AuditOutcome {
    fn from(outcome: jobs::AuditOutcome) -> Self {
        match outcome {
            jobs::AuditOutcome::NotDrawn => Self::NotDrawn,
            jobs::AuditOutcome::Passed => Self::Passed,
            jobs::AuditOutcome::Unaudited => Self::Unaudited,
        }
    }
}

impl From<jobs::EndReason> for EndReason {
    fn from(reason: jobs::EndReason) -> Self {
        match reason {
            jobs::EndReason::Cancelled => Self::Cancelled,
            jobs::EndReason::Expired => Self::Expired,
            jobs::EndReason::InputsUnavailable => Self::InputsUnavailable,
            jobs::EndReason::TooManyMisses => Self::TooManyMisses,
        }
    }
}

pub(crate) fn model(id: Hash, model: pallet_models::Model<AccountId>) -> ModelView {
    let ModelSummary {
        max_batch,
        inputs,
        outputs,
        cost,
    } = model.summary;
    ModelView {
        id,
        owner: model.owner,
        deposit: model.deposit,
        max_batch,
        inputs,
        outputs,
        cost: Cost {
            item_macs: cost.item_macs,
            item_input_bytes: cost.item_input_bytes,
            item_trace_bytes: cost.item_trace_bytes,
            item_output_bytes: cost.item_output_bytes,
            parameter_bytes: cost.parameter_bytes,
            opening_bytes: cost.opening_bytes,
            openings_bytes: cost.openings_bytes,
        },
    }
}

pub(crate) fn provider(account: AccountId, provider: pallet_providers::Provider) -> ProviderView {
    ProviderView {
        account,
        bond: provider.bond,
        locked: provider.locked,
        locks: provider.locks,
        workers: provider.workers,
    }
}

pub(crate) fn worker(
    account: AccountId,
    worker: pallet_providers::Worker<AccountId>,
) -> WorkerView {
    WorkerView {
        account,
        provider: worker.provider,
        ask: worker.ask,
        slots: worker.slots,
        open_jobs: worker.open_jobs,
        heard_block: worker.heard_block,
        misses: worker.misses,
        paused_until_block: worker.paused_until_block,
        convicted: worker.convicted,
        offline: worker.offline,
    }
}

impl From<pallet_contributions::Contribution> for Contribution {
    fn from(contribution: pallet_contributions::Contribution) -> Self {
        Self {
            settled_macs: contribution.settled_macs,
            directed_macs: contribution.directed_macs,
            jobs: contribution.jobs,
            burned: contribution.burned,
            convictions: contribution.convictions,
            audits: contribution.audits,
        }
    }
}

impl From<constants::Timing> for Timing {
    fn from(timing: constants::Timing) -> Self {
        Self {
            challenge_blocks: timing.challenge_blocks,
            answer_blocks: timing.answer_blocks,
            draw_delay_slots: timing.draw_delay_slots,
            audit_blocks: timing.audit_blocks,
            decline_blocks: timing.decline_blocks,
            min_duration_blocks: timing.min_duration_blocks,
            max_duration_blocks: timing.max_duration_blocks,
            max_wait_blocks: timing.max_wait_blocks,
            heartbeat_blocks: timing.heartbeat_blocks,
            liveness_blocks: timing.liveness_blocks,
            back_off_blocks: timing.back_off_blocks,
            era_blocks: timing.era_blocks,
            retention_eras: timing.retention_eras,
        }
    }
}

impl From<constants::Economics> for Economics {
    fn from(economics: constants::Economics) -> Self {
        Self {
            min_price_per_unit: economics.min_price_per_unit,
            flat_price: economics.flat_price,
            worker_share: economics.worker_share.0,
            auditor_share: economics.auditor_share.0,
            royalty_share: economics.royalty_share.0,
            burn_share: economics.burn_share.0,
            mint_ratio: economics.mint_ratio.0,
            audit_probability: economics.audit_probability.0,
            further_probability: economics.further_probability.0,
            miss_share: economics.miss_share.0,
            full_audit_share: economics.full_audit_share.0,
            timeout_share: economics.timeout_share.0,
            proof_deposit: economics.proof_deposit,
            demand_deposit: economics.demand_deposit,
            min_bond: economics.min_bond,
            min_auditor_bond: economics.min_auditor_bond,
            model_deposit: economics.model_deposit,
            model_byte_deposit: economics.model_byte_deposit,
            job_deposit: economics.job_deposit,
            job_input_deposit: economics.job_input_deposit,
        }
    }
}

impl From<audit::Audit<AccountId>> for AuditView {
    fn from(audit: audit::Audit<AccountId>) -> Self {
        Self {
            stage: audit.stage.into(),
            passes: audit.passes.0.into_iter().map(Into::into).collect(),
            drawn: audit.drawn.0,
            misses: audit.misses,
            order: audit.order.map(|order| OrderView {
                scope: order.scope.0,
                price: order.price,
                begun: order.begun,
                misses: order.misses,
            }),
        }
    }
}

impl From<audit::Stage<AccountId>> for AuditStage {
    fn from(stage: audit::Stage<AccountId>) -> Self {
        match stage {
            audit::Stage::Waits(draw) => Self::Waits(DrawView {
                slot: draw.slot,
                reason: match draw.reason {
                    audit::DrawReason::Claimed => DrawReason::Claimed,
                    audit::DrawReason::Passed => DrawReason::Passed,
                    audit::DrawReason::Certain => DrawReason::Certain,
                },
                scope: draw.scope.0,
                ordered: draw.ordered,
            }),
            audit::Stage::Open(open) => Self::Open(OpenAuditView {
                auditor: open.auditor,
                lock: open.lock,
                seed: open.seed.0,
                scope: open.scope.0,
                ordered: open.ordered,
                verdict_by_time: open.verdict_by_time,
                open_demands: open.open_demands,
                answered: open.answered,
            }),
            audit::Stage::Done => Self::Done,
        }
    }
}

impl From<audit::Pass<AccountId>> for PassView {
    fn from(pass: audit::Pass<AccountId>) -> Self {
        Self {
            auditor: pass.auditor,
            lock: pass.lock,
            seed: pass.seed.0,
            scope: pass.scope.0,
            ordered: pass.ordered,
            receipt: pass.receipt.0,
            slashed: pass.slashed,
        }
    }
}
