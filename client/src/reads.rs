//! What the chain says, at a chosen block.

use crate::{
    conversions,
    runtime::{self, runtime_types::mizan_runtime::RuntimeHoldReason},
    views::{
        AccountBalance, Contribution, Economics, JobView, ModelView, ProviderView, Timing,
        WorkerView,
    },
    AccountId, At, Client, ClientError, Hash,
};
use mizan_tensor::Program;
use subxt::{ext::scale_decode::DecodeAsType, storage::Address, utils::H256};

impl Client {
    /// A job; `None` if there never was one of that id or it is forgotten.
    pub async fn job(&self, id: u64, at: At) -> Result<Option<JobView>, ClientError> {
        let job = self
            .read(runtime::storage().jobs().jobs(), (id,), at)
            .await?;
        Ok(job.map(|job| conversions::job(id, job)))
    }

    /// Ids of the jobs that a worker has now, oldest first.
    pub async fn jobs_of(&self, worker: &AccountId, at: At) -> Result<Vec<u64>, ClientError> {
        let block = self.at(at).await?;
        let entries = block
            .storage()
            .iter(runtime::storage().jobs().jobs_of(), (*worker,))
            .await;
        let mut entries = entries.map_err(|error| self.explain(error))?;
        let mut jobs = Vec::new();
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(|error| self.explain(error))?;
            let key = entry.key().and_then(|key| key.decode());
            jobs.push(key.map_err(|error| self.explain(error))?.1);
        }
        jobs.sort_unstable();
        Ok(jobs)
    }

    /// The id that the next posted job gets.
    pub async fn next_job(&self, at: At) -> Result<u64, ClientError> {
        let next = self
            .read(runtime::storage().jobs().next_job_id(), (), at)
            .await?;
        Ok(next.unwrap_or_default())
    }

    /// A registered model.
    pub async fn model(&self, id: &Hash, at: At) -> Result<Option<ModelView>, ClientError> {
        let model = self
            .read(runtime::storage().models().models(), (H256(*id),), at)
            .await?;
        Ok(model.map(|model| conversions::model(*id, model)))
    }

    /// Every registered model, at most `limit` of them, in no order.
    pub async fn models(&self, limit: usize, at: At) -> Result<Vec<ModelView>, ClientError> {
        let block = self.at(at).await?;
        let entries = block
            .storage()
            .iter(runtime::storage().models().models(), ())
            .await;
        let mut entries = entries.map_err(|error| self.explain(error))?;
        let mut models = Vec::new();
        while models.len() < limit {
            let Some(entry) = entries.next().await else {
                break;
            };
            let entry = entry.map_err(|error| self.explain(error))?;
            let key = entry.key().and_then(|key| key.decode());
            let id = key.map_err(|error| self.explain(error))?.0;
            let model = entry.value().decode();
            let model = model.map_err(|error| self.explain(error))?;
            models.push(conversions::model(id.0, model));
        }
        Ok(models)
    }

    /// The program of a registered model.
    pub async fn program(&self, id: &Hash, at: At) -> Result<Option<Program>, ClientError> {
        let bytes = self
            .read(runtime::storage().models().programs(), (H256(*id),), at)
            .await?;
        let program = bytes.map(|bytes| Program::from_bytes(&bytes.0)).transpose();
        program.map_err(|error| ClientError::Unexpected(format!("a model's program: {error}")))
    }

    /// A worker.
    pub async fn worker(
        &self,
        account: &AccountId,
        at: At,
    ) -> Result<Option<WorkerView>, ClientError> {
        let worker = self
            .read(runtime::storage().providers().workers(), (*account,), at)
            .await?;
        Ok(worker.map(|worker| conversions::worker(*account, worker)))
    }

    /// A provider.
    pub async fn provider(
        &self,
        account: &AccountId,
        at: At,
    ) -> Result<Option<ProviderView>, ClientError> {
        let address = runtime::storage().providers().providers();
        let provider = self.read(address, (*account,), at).await?;
        Ok(provider.map(|provider| conversions::provider(*account, provider)))
    }

    /// What an account owns; nothing if there is no such account.
    pub async fn balance(
        &self,
        account: &AccountId,
        at: At,
    ) -> Result<AccountBalance, ClientError> {
        // Both reads at one block, or a hold made between them would count twice.
        let at = At::Hash(self.at(at).await?.block_hash().0);
        let data = self
            .read(runtime::storage().system().account(), (*account,), at)
            .await?;
        let Some(data) = data.map(|account| account.data) else {
            return Ok(AccountBalance::default());
        };
        let holds = self
            .read(runtime::storage().balances().holds(), (*account,), at)
            .await?;
        let holds = holds.map(|holds| holds.0).unwrap_or_default();
        Ok(AccountBalance {
            free: data.free,
            held: holds
                .into_iter()
                .map(|hold| (reason(&hold.id), hold.amount))
                .collect(),
            total: data.free.saturating_add(data.reserved),
        })
    }

    /// All tokens that there are.
    pub async fn total_issuance(&self, at: At) -> Result<u128, ClientError> {
        let issuance = self
            .read(runtime::storage().balances().total_issuance(), (), at)
            .await?;
        Ok(issuance.unwrap_or_default())
    }

    /// The protocol's periods.
    pub async fn timing(&self, at: At) -> Result<Timing, ClientError> {
        let timing = self
            .read(runtime::storage().jobs().timing_record(), (), at)
            .await?;
        timing
            .map(Into::into)
            .ok_or_else(|| ClientError::Unexpected("no timing".into()))
    }

    /// The protocol's prices and shares.
    pub async fn economics(&self, at: At) -> Result<Economics, ClientError> {
        let economics = self
            .read(runtime::storage().rewards().economics_record(), (), at)
            .await?;
        economics
            .map(Into::into)
            .ok_or_else(|| ClientError::Unexpected("no economics".into()))
    }

    /// What a provider contributed ever.
    pub async fn lifetime(
        &self,
        provider: &AccountId,
        at: At,
    ) -> Result<Contribution, ClientError> {
        let address = runtime::storage().contributions().lifetime();
        Ok(self
            .read(address, (*provider,), at)
            .await?
            .map(Into::into)
            .unwrap_or_default())
    }

    /// What a provider contributed in an era.
    pub async fn era_entry(
        &self,
        era: u32,
        provider: &AccountId,
        at: At,
    ) -> Result<Contribution, ClientError> {
        let address = runtime::storage().contributions().eras();
        Ok(self
            .read(address, (era, *provider), at)
            .await?
            .map(Into::into)
            .unwrap_or_default())
    }

    /// What every provider contributed in an era, at most `limit` of them, in no order.
    pub async fn era_entries(
        &self,
        era: u32,
        limit: usize,
        at: At,
    ) -> Result<Vec<(AccountId, Contribution)>, ClientError> {
        let block = self.at(at).await?;
        let entries = block
            .storage()
            .iter(runtime::storage().contributions().eras(), (era,))
            .await;
        let mut entries = entries.map_err(|error| self.explain(error))?;
        let mut contributions = Vec::new();
        while contributions.len() < limit {
            let Some(entry) = entries.next().await else {
                break;
            };
            let entry = entry.map_err(|error| self.explain(error))?;
            let key = entry.key().and_then(|key| key.decode());
            let account = key.map_err(|error| self.explain(error))?.1;
            let contribution = entry.value().decode();
            let contribution = contribution.map_err(|error| self.explain(error))?;
            contributions.push((account, contribution.into()));
        }
        Ok(contributions)
    }

    pub(crate) async fn read<A: Address>(
        &self,
        address: A,
        keys: A::KeyParts,
        at: At,
    ) -> Result<Option<A::Value>, ClientError>
    where
        A::Value: DecodeAsType,
    {
        let block = self.at(at).await?;
        let value = block.storage().try_fetch(address, keys).await;
        let value = value.map_err(|error| self.explain(error))?;
        value
            .map(|value| value.decode())
            .transpose()
            .map_err(|error| self.explain(error))
    }
}

/// The name of a hold: the pallet and what it is for.
fn reason(reason: &RuntimeHoldReason) -> String {
    hold_name(&format!("{reason:?}"))
}

/// `Disputes(AuditorBond)` becomes `disputes.auditor_bond`.
fn hold_name(variant: &str) -> String {
    let mut name = String::new();
    for letter in variant.chars() {
        let begins_word = letter.is_ascii_uppercase();
        if begins_word && name.ends_with(|before: char| before.is_ascii_alphanumeric()) {
            name.push('_');
        }
        match letter {
            '(' => name.push('.'),
            ')' => {}
            letter => name.push(letter.to_ascii_lowercase()),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_are_named_by_pallet_and_reason() {
        assert_eq!(hold_name("Jobs(Payment)"), "jobs.payment");
        assert_eq!(hold_name("Disputes(AuditorBond)"), "disputes.auditor_bond");
    }
}
