# A cross-build for arm64 with Debian's packages: crossbuild-essential-arm64, and libraries and
# busybox-static as NAME:arm64. Emulator: programs made are run by it, as far as a build and
# ctest run any.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
find_program(CMAKE_CROSSCOMPILING_EMULATOR NAMES qemu-aarch64-static qemu-aarch64)
