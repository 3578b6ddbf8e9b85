//! From rows to the domain's types.

use std::str::FromStr;

use demitasse_core::{
    Announcement, AnnouncementState, Document, Failure, ImageRecord, Job, JobState, Original, Priority,
    RequestKey, Sequence, StoreError, StoredOriginal, Upload, Variant, VariantOutcome,
};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite};

use super::error::{store_error, unreadable};

/// The columns that [`upload`] reads; everything of a job, and of its image what the job does not say.
macro_rules! upload_columns {
    () => {
        "jobs.*, images.file_name, images.sha256, images.bytes, images.media_type, images.width, images.height, \
         images.created_at AS image_created_at"
    };
}
pub(super) use upload_columns;

/// Reads a row with [`upload_columns`].
pub(super) fn upload(row: &SqliteRow) -> Result<Upload, StoreError> {
    let fields = Fields(row);
    let job = job(row)?;
    let image = ImageRecord {
        id: job.image_id,
        sequence: job.sequence,
        owner: job.owner,
        file_name: fields.get("file_name")?,
        original: Original::Stored(StoredOriginal {
            sha256: fields.parsed("sha256")?,
            bytes: fields.number("bytes")?,
            media_type: fields.get("media_type")?,
            width: fields.number("width")?,
            height: fields.number("height")?,
        }),
        created_at: fields.time("image_created_at")?,
    };
    Ok(Upload { image, job })
}

/// Reads a row with all columns of `jobs`.
pub(super) fn job(row: &SqliteRow) -> Result<Job, StoreError> {
    let fields = Fields(row);
    let state: &str = fields.get("state")?;
    let lease: Option<&str> = fields.get("lease")?;
    let failure_code: Option<String> = fields.get("failure_code")?;
    let failure = match failure_code {
        Some(code) => Some(Failure { code, detail: fields.get("failure_detail")? }),
        None => None,
    };
    let variant = match fields.get::<Option<&str>>("variant_sha256")? {
        Some(_) => Some(variant(row)?),
        None => None,
    };
    Ok(Job {
        id: fields.parsed("id")?,
        image_id: fields.parsed("image_id")?,
        sequence: Sequence(fields.get("sequence")?),
        owner: fields.parsed("owner")?,
        state: JobState::parse(state).ok_or_else(|| unreadable("state"))?,
        request: fields.document("request")?,
        request_key: RequestKey(fields.parsed("request_key")?),
        attempt: fields.number("attempt")?,
        max_attempts: fields.number("max_attempts")?,
        priority: Priority::from_rank(fields.number("priority")?).ok_or_else(|| unreadable("priority"))?,
        trace: fields.get("trace")?,
        lease: lease.map(str::parse).transpose().map_err(|error| unreadable("lease").because(error))?,
        failure,
        variant,
        external_variant: None,
        announcement: announcement(&fields)?,
        created_at: fields.time("created_at")?,
        updated_at: fields.time("updated_at")?,
    })
}

fn announcement(fields: &Fields<'_>) -> Result<Option<Announcement>, StoreError> {
    let Some(state) = fields.get::<Option<&str>>("announcement")? else { return Ok(None) };
    Ok(Some(Announcement {
        state: AnnouncementState::parse(state).ok_or_else(|| unreadable("announcement"))?,
        attempts: fields.number("announce_attempts")?,
        due_at: fields.time("announce_at")?,
    }))
}

/// Reads the variant's columns of a succeeded job.
pub(super) fn variant(row: &SqliteRow) -> Result<Variant, StoreError> {
    let fields = Fields(row);
    Ok(Variant {
        sha256: fields.parsed("variant_sha256")?,
        bytes: fields.number("variant_bytes")?,
        media_type: fields.get("variant_media_type")?,
        width: fields.number("variant_width")?,
        height: fields.number("variant_height")?,
        outcome: match fields.get("variant_outcome")? {
            "compressed" => VariantOutcome::Compressed,
            "kept_original" => VariantOutcome::KeptOriginal,
            _ => return Err(unreadable("variant_outcome")),
        },
        reason: fields.get("variant_reason")?,
        score: fields.get("variant_score")?,
        report: fields.document("report")?,
    })
}

/// The inverse of the reading in [`variant`].
pub(super) fn outcome_text(outcome: VariantOutcome) -> &'static str {
    match outcome {
        VariantOutcome::Compressed => "compressed",
        VariantOutcome::KeptOriginal => "kept_original",
    }
}

/// A row whose columns are read by name; every failure names the column.
pub(super) struct Fields<'r>(pub(super) &'r SqliteRow);

impl<'r> Fields<'r> {
    pub(super) fn get<T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>>(
        &self,
        column: &str,
    ) -> Result<T, StoreError> {
        self.0.try_get(column).map_err(store_error(column))
    }

    pub(super) fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &self,
        column: &str,
    ) -> Result<T, StoreError> {
        self.get::<&str>(column)?.parse().map_err(|error| unreadable(column).because(error))
    }

    pub(super) fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError> {
        T::try_from(self.get(column)?).map_err(|_| unreadable(column))
    }

    pub(super) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(self.get(column)?).map_err(|error| unreadable(column).because(error))
    }

    fn document(&self, column: &str) -> Result<Document, StoreError> {
        let value =
            serde_json::from_str(self.get(column)?).map_err(|error| unreadable(column).because(error))?;
        Ok(Document(value))
    }
}
