// LabProcesses
