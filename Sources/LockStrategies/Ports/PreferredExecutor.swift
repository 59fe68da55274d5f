/// The executor that the current task prefers; nil where it has none.
///
/// In a simulated world each task runs on an executor of that world. Child tasks inherit the preference, a
/// `Task` does not: so whoever starts one passes it on.
func preferredExecutor() -> (any TaskExecutor)? {
    unsafe withUnsafeCurrentTask { task in unsafe task?.unownedTaskExecutor?.asTaskExecutor() }
}
