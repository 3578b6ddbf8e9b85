//! From rows to the domain's types.

use std::error::Error;
use std::str::FromStr;

use demitasse_core::{
    Announcement, AnnouncementState, Document, ErrorKind, Failure, ImageRecord, Job, JobState, Original,
    Priority, RequestKey, Sequence, StoreError, StoredOriginal, Upload, Variant, VariantOutcome,
};
use jiff::Timestamp;

/// The columns that [`job`] reads.
macro_rules! job_columns {
    () => {
        "jobs.id, jobs.image_id, jobs.sequence, jobs.owner, jobs.state, jobs.request, jobs.request_key, jobs.attempt, \
         jobs.max_attempts, jobs.priority, jobs.trace, jobs.lease, jobs.failure_code, jobs.failure_detail, \
         jobs.variant_sha256, jobs.variant_bytes, jobs.variant_media_type, jobs.variant_width, jobs.variant_height, \
         jobs.variant_outcome, jobs.variant_reason, jobs.variant_score, jobs.report, jobs.announcement, \
         jobs.announce_attempts, jobs.announce_at, jobs.created_at, jobs.updated_at"
    };
}
pub(crate) use job_columns;

/// The columns that [`upload`] reads; everything of a job, and of its image what the job does not say.
macro_rules! upload_columns {
    () => {
        concat!(
            $crate::sql::rows::job_columns!(),
            ", images.file_name, images.sha256, images.bytes, images.media_type, images.width, images.height, \
             images.created_at AS image_created_at"
        )
    };
}
pub(crate) use upload_columns;

/// Reads a row with [`upload_columns`].
pub(crate) fn upload(row: &impl Columns) -> Result<Upload, StoreError> {
    let fields = Fields(row);
    let job = job(row)?;
    let image = ImageRecord {
        id: job.image_id,
        sequence: job.sequence,
        owner: job.owner,
        file_name: row.optional_text("file_name")?,
        original: Original::Stored(StoredOriginal {
            sha256: fields.parsed("sha256")?,
            bytes: fields.number("bytes")?,
            media_type: fields.text("media_type")?,
            width: fields.number("width")?,
            height: fields.number("height")?,
        }),
        created_at: fields.time("image_created_at")?,
    };
    Ok(Upload { image, job })
}

/// Reads a row with all columns of `jobs`.
pub(crate) fn job(row: &impl Columns) -> Result<Job, StoreError> {
    let fields = Fields(row);
    let state = fields.text("state")?;
    let lease = row.optional_text("lease")?;
    let failure = match row.optional_text("failure_code")? {
        Some(code) => Some(Failure { code, detail: fields.text("failure_detail")? }),
        None => None,
    };
    let variant = match row.optional_text("variant_sha256")? {
        Some(_) => Some(variant(row)?),
        None => None,
    };
    Ok(Job {
        id: fields.parsed("id")?,
        image_id: fields.parsed("image_id")?,
        sequence: Sequence(fields.number("sequence")?),
        owner: fields.parsed("owner")?,
        state: JobState::parse(&state).ok_or_else(|| fields.unreadable("state"))?,
        request: fields.document("request")?,
        request_key: RequestKey(fields.parsed("request_key")?),
        attempt: fields.number("attempt")?,
        max_attempts: fields.number("max_attempts")?,
        priority: Priority::from_rank(fields.number("priority")?)
            .ok_or_else(|| fields.unreadable("priority"))?,
        trace: row.optional_text("trace")?,
        lease: match lease {
            Some(_) => Some(fields.parsed("lease")?),
            None => None,
        },
        failure,
        variant,
        external_variant: None,
        announcement: announcement(&fields)?,
        created_at: fields.time("created_at")?,
        updated_at: fields.time("updated_at")?,
    })
}

fn announcement(fields: &Fields<'_, impl Columns>) -> Result<Option<Announcement>, StoreError> {
    let Some(state) = fields.0.optional_text("announcement")? else { return Ok(None) };
    Ok(Some(Announcement {
        state: AnnouncementState::parse(&state).ok_or_else(|| fields.unreadable("announcement"))?,
        attempts: fields.number("announce_attempts")?,
        due_at: fields.time("announce_at")?,
    }))
}

/// Reads the variant's columns of a succeeded job.
pub(crate) fn variant(row: &impl Columns) -> Result<Variant, StoreError> {
    let fields = Fields(row);
    Ok(Variant {
        sha256: fields.parsed("variant_sha256")?,
        bytes: fields.number("variant_bytes")?,
        media_type: fields.text("variant_media_type")?,
        width: fields.number("variant_width")?,
        height: fields.number("variant_height")?,
        outcome: match fields.text("variant_outcome")?.as_str() {
            "compressed" => VariantOutcome::Compressed,
            "kept_original" => VariantOutcome::KeptOriginal,
            _ => return Err(fields.unreadable("variant_outcome")),
        },
        reason: row.optional_text("variant_reason")?,
        score: row.real("variant_score")?,
        report: fields.document("report")?,
    })
}

/// A row whose columns are read by name; every failure names the column. A vendor says how.
pub(crate) trait Columns {
    /// The name in errors.
    const BACKEND: &'static str;

    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError>;

    fn integer(&self, column: &str) -> Result<Option<i64>, StoreError>;

    fn real(&self, column: &str) -> Result<Option<f64>, StoreError>;
}

/// A row, read into the domain's types.
pub(crate) struct Fields<'r, R>(pub(crate) &'r R);

impl<R: Columns> Fields<'_, R> {
    /// The error of a column that holds what this version cannot read.
    fn unreadable(&self, column: &str) -> StoreError {
        StoreError::new(ErrorKind::Invalid, R::BACKEND, column)
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, StoreError> {
        self.0.optional_text(column)?.ok_or_else(|| self.unreadable(column))
    }

    pub(crate) fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(
        &self,
        column: &str,
    ) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error| self.unreadable(column).because(error))
    }

    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError> {
        let number = self.0.integer(column)?.and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| self.unreadable(column))
    }

    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(self.number(column)?)
            .map_err(|error| self.unreadable(column).because(error))
    }

    fn document(&self, column: &str) -> Result<Document, StoreError> {
        let value = serde_json::from_str(&self.text(column)?)
            .map_err(|error| self.unreadable(column).because(error))?;
        Ok(Document(value))
    }
}
