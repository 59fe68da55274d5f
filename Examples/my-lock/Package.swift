// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "my-lock",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "lock-strategy-lab", path: "../..")],
    targets: [
        .executableTarget(
            name: "my-lock",
            dependencies: [
                .product(name: "LabBenchKit", package: "lock-strategy-lab"),
                .product(name: "LockStrategies", package: "lock-strategy-lab"),
            ])
    ])
