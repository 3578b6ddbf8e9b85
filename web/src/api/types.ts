// Names for the generated shapes. Nothing here is written by hand: the server's OpenAPI document is the source.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type DeletedEvent = Schemas["DeletedEvent"];
export type Image = Schemas["Image"];
export type ImagePage = Schemas["ImagePage"];
export type Info = Schemas["Info"];
export type Problem = Schemas["Problem"];
export type PushKey = Schemas["PushKey"];
export type Report = Schemas["Report"];
export type Task = Schemas["Task"];
export type TaskEvent = Schemas["TaskEvent"];
