use super::*;

fn named(path: &str, format: Format) -> Input {
    let relative = PathBuf::from(Path::new(path).file_name().unwrap());
    found(path, relative, format, false)
}

fn in_folder(path: &str, relative: &str, format: Format) -> Input {
    found(path, PathBuf::from(relative), format, true)
}

fn found(path: &str, relative: PathBuf, format: Format, from_folder: bool) -> Input {
    let path = PathBuf::from(path);
    Input { source: Source::File { real: path.clone(), path }, relative, from_folder, format: Some(format) }
}

fn stdin() -> Input {
    Input { source: Source::Stdin, relative: PathBuf::from("-"), from_folder: false, format: None }
}

fn wish(destination: Destination) -> Wish {
    Wish { request: Request::default(), format: None, destination, force: false }
}

fn as_format(destination: Destination, format: OutputFormat) -> Wish {
    Wish { format: Some(format), ..wish(destination) }
}

fn claims(inputs: Vec<Input>, wish: &Wish) -> Vec<Vec<String>> {
    let names = |task: &Task| task.claims().iter().map(|path| path.display().to_string()).collect();
    plan(inputs, wish).unwrap().tasks.iter().map(names).collect()
}

fn refusal(inputs: Vec<Input>, wish: &Wish) -> String {
    plan(inputs, wish).unwrap_err().to_string()
}

#[test]
fn an_output_goes_beside_its_input_under_a_name_that_says_so() {
    let inputs = vec![named("/p/cat.jpg", Format::Jpeg), named("/p/no extension", Format::Png)];
    let expected = [["/p/cat-compressed.jpg"], ["/p/no extension-compressed"]];
    assert_eq!(claims(inputs, &wish(Destination::Beside)), expected);
}

#[test]
fn the_extension_stays_unless_the_format_changes() {
    let beside = wish(Destination::Beside);
    assert_eq!(claims(vec![named("/p/CAT.JPEG", Format::Jpeg)], &beside), [["/p/CAT-compressed.JPEG"]]);
    let webp = as_format(Destination::Beside, OutputFormat::of(Format::Webp));
    let expected = [["/p/cat-compressed.webp", "/p/cat-compressed.jpg"]];
    assert_eq!(claims(vec![named("/p/cat.jpg", Format::Jpeg)], &webp), expected);
}

#[test]
fn a_folder_keeps_its_tree_in_the_output_folder() {
    let folder = wish(Destination::Folder("/out".into()));
    let inputs =
        vec![in_folder("/p/a.jpg", "a.jpg", Format::Jpeg), in_folder("/p/s/a.jpg", "s/a.jpg", Format::Jpeg)];
    assert_eq!(claims(inputs, &folder), [["/out/a.jpg"], ["/out/s/a.jpg"]]);
}

#[test]
fn two_inputs_with_one_output_are_refused_and_both_are_named() {
    let folder = wish(Destination::Folder("/out".into()));
    let text = refusal(vec![named("/p/a.jpg", Format::Jpeg), named("/q/a.jpg", Format::Jpeg)], &folder);
    assert!(text.contains("/out/a.jpg") && text.contains("/p/a.jpg") && text.contains("/q/a.jpg"), "{text}");
}

#[test]
fn inputs_that_meet_only_after_a_change_of_format_collide_too() {
    let webp = as_format(Destination::Folder("/out".into()), OutputFormat::of(Format::Webp));
    refusal(vec![named("/p/a.jpg", Format::Jpeg), named("/p/a.png", Format::Png)], &webp);
    // A bitmap becomes whichever is smallest.
    let keep = wish(Destination::Folder("/out".into()));
    refusal(vec![named("/p/a.bmp", Format::Bmp), named("/p/a.png", Format::Png)], &keep);
}

#[test]
fn no_output_is_another_input_even_by_force() {
    let inputs = vec![named("/p/a.jpg", Format::Jpeg), named("/p/a-compressed.jpg", Format::Jpeg)];
    let text = refusal(inputs, &Wish { force: true, ..wish(Destination::Beside) });
    assert!(text.contains("is an input"), "{text}");
}

#[test]
fn outputs_of_an_earlier_run_in_the_same_folder_are_passed_over() {
    let inputs = vec![
        in_folder("/p/a-compressed.jpg", "a-compressed.jpg", Format::Jpeg),
        in_folder("/p/a.jpg", "a.jpg", Format::Jpeg),
        in_folder("/p/b-compressed.jpg", "b-compressed.jpg", Format::Jpeg),
    ];
    let plan = plan(inputs, &wish(Destination::Beside)).unwrap();
    let outputs: Vec<_> = plan.tasks.iter().flat_map(Task::claims).collect();
    let expected = ["/p/a-compressed.jpg", "/p/b-compressed-compressed.jpg"].map(PathBuf::from);
    assert_eq!((outputs, plan.earlier_outputs), (expected.to_vec(), 1));
}

#[test]
fn a_file_that_was_named_twice_is_compressed_once() {
    let inputs = vec![named("/p/a.jpg", Format::Jpeg), in_folder("/p/a.jpg", "a.jpg", Format::Jpeg)];
    assert_eq!(claims(inputs, &wish(Destination::InPlace)), [["/p/a.jpg"]]);
}

#[test]
fn the_extension_of_the_output_chooses_the_format() {
    let format = |output: &str, format| {
        let wish = Wish { format, ..wish(Destination::File(output.into())) };
        plan(vec![named("/p/a.jpg", Format::Jpeg)], &wish).map(|plan| plan.tasks[0].request.format)
    };
    assert_eq!(format("b.webp", None), Ok(OutputFormat::of(Format::Webp)));
    assert_eq!(format("b.JPEG", None), Ok(OutputFormat::Keep));
    assert_eq!(format("b", None), Ok(OutputFormat::Keep));
    assert_eq!(format("b", Some(OutputFormat::of(Format::Png))), Ok(OutputFormat::of(Format::Png)));
    assert!(format("b.webp", Some(OutputFormat::of(Format::Png))).is_err());
    assert!(format("b.webp", Some(OutputFormat::Auto)).is_err());
    assert_eq!(format("b", Some(OutputFormat::Auto)), Ok(OutputFormat::Auto));
    assert!(format("b.tiff", None).is_err());
}

#[test]
fn an_output_of_the_engines_choice_claims_every_name_that_it_may_get() {
    let beside = |format| as_format(Destination::Beside, format);
    let all = claims(vec![named("/p/cat.jpg", Format::Jpeg)], &beside(OutputFormat::Auto)).remove(0);
    for extension in ["jpg", "png", "webp"] {
        assert!(all.contains(&format!("/p/cat-compressed.{extension}")), "{all:?}");
    }
    let some = OutputFormat::Among([Format::Png, Format::Webp].into_iter().collect());
    let expected = [["/p/cat-compressed.png", "/p/cat-compressed.webp", "/p/cat-compressed.jpg"]];
    assert_eq!(claims(vec![named("/p/cat.jpg", Format::Jpeg)], &beside(some)), expected);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let cat = || named("/p/a.jpg", Format::Jpeg);
    refusal(vec![cat(), cat()], &wish(Destination::File("b.jpg".into())));
    refusal(vec![in_folder("/p/a.jpg", "a.jpg", Format::Jpeg)], &wish(Destination::Stdout));
    refusal(vec![stdin(), stdin()], &wish(Destination::Beside));
    refusal(vec![stdin()], &wish(Destination::InPlace));
    refusal(vec![stdin()], &wish(Destination::Folder("/out".into())));
    refusal(vec![cat()], &as_format(Destination::InPlace, OutputFormat::of(Format::Webp)));
    let target = demitasse_engine::Target::Score { score: demitasse_engine::Score(101.0) };
    refusal(vec![cat()], &Wish { request: Request::new(target), ..wish(Destination::Beside) });
}

#[test]
fn standard_input_goes_to_standard_output() {
    let plan = plan(vec![stdin()], &wish(Destination::Beside)).unwrap();
    assert_eq!(plan.tasks[0].sink, Sink::Stdout);
}

#[cfg(unix)]
#[test]
fn names_that_are_not_unicode_are_kept() {
    use std::os::unix::ffi::OsStrExt;
    let name = |bytes: &[u8]| PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
    assert_eq!(beside(&name(b"/p/caf\xe9.jpg")), name(b"/p/caf\xe9-compressed.jpg"));
}
