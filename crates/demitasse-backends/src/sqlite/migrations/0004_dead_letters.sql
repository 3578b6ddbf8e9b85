-- Jobs that failed as often as they were allowed to: few rows, whatever the number of finished jobs.
CREATE INDEX jobs_dead_letters ON jobs (sequence) WHERE state = 'failed' AND attempt >= max_attempts;
