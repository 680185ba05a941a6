/* A script that reads a member which has no meaning here gets docker's zero value and not an
 * error. What docker leaves out when it is empty (Tmpfs, Init, Sysctls) is left out here. */

#include "cli/inspect_zero.h"

static const char *const ZERO[ZERO_COUNT] = {
    [ZERO_CONTAINER] =
        "{\"Id\":\"\",\"Created\":\"\",\"Path\":\"\",\"Args\":[],\"State\":{},"
        "\"Image\":\"\",\"ResolvConfPath\":\"\",\"HostnamePath\":\"\",\"HostsPath\":\"\","
        "\"LogPath\":\"\",\"Name\":\"\",\"RestartCount\":0,\"Driver\":\"\","
        "\"Platform\":\"linux\",\"MountLabel\":\"\",\"ProcessLabel\":\"\","
        "\"AppArmorProfile\":\"\",\"ExecIDs\":null,\"HostConfig\":{},\"GraphDriver\":{},"
        "\"Mounts\":[],\"Config\":{},\"NetworkSettings\":{}}",
    [ZERO_HOST_CONFIG] =
        "{\"Binds\":null,\"ContainerIDFile\":\"\",\"LogConfig\":{},\"NetworkMode\":\"\","
        "\"PortBindings\":{},\"RestartPolicy\":{},\"AutoRemove\":false,"
        "\"VolumeDriver\":\"\",\"VolumesFrom\":null,\"ConsoleSize\":[0,0],"
        "\"CapAdd\":null,\"CapDrop\":null,\"CgroupnsMode\":\"private\",\"Dns\":[],"
        "\"DnsOptions\":[],\"DnsSearch\":[],\"ExtraHosts\":null,\"GroupAdd\":null,"
        "\"IpcMode\":\"private\",\"Cgroup\":\"\",\"Links\":null,\"OomScoreAdj\":0,"
        "\"PidMode\":\"\",\"Privileged\":false,\"PublishAllPorts\":false,"
        "\"ReadonlyRootfs\":false,\"SecurityOpt\":null,\"UTSMode\":\"\","
        "\"UsernsMode\":\"\",\"ShmSize\":67108864,\"Runtime\":\"\",\"Isolation\":\"\","
        "\"CpuShares\":0,\"Memory\":0,\"NanoCpus\":0,\"CgroupParent\":\"\","
        "\"BlkioWeight\":0,\"BlkioWeightDevice\":[],\"BlkioDeviceReadBps\":[],"
        "\"BlkioDeviceWriteBps\":[],\"BlkioDeviceReadIOps\":[],"
        "\"BlkioDeviceWriteIOps\":[],\"CpuPeriod\":0,\"CpuQuota\":0,"
        "\"CpuRealtimePeriod\":0,\"CpuRealtimeRuntime\":0,\"CpusetCpus\":\"\","
        "\"CpusetMems\":\"\",\"Devices\":[],\"DeviceCgroupRules\":null,"
        "\"DeviceRequests\":null,\"MemoryReservation\":0,\"MemorySwap\":0,"
        "\"MemorySwappiness\":null,\"OomKillDisable\":null,\"PidsLimit\":null,"
        "\"Ulimits\":[],\"CpuCount\":0,\"CpuPercent\":0,\"IOMaximumIOps\":0,"
        "\"IOMaximumBandwidth\":0,\"MaskedPaths\":null,\"ReadonlyPaths\":null}",
    [ZERO_CONFIG] =
        "{\"Hostname\":\"\",\"Domainname\":\"\",\"User\":\"\",\"AttachStdin\":false,"
        "\"AttachStdout\":false,\"AttachStderr\":false,\"Tty\":false,"
        "\"OpenStdin\":false,\"StdinOnce\":false,\"Env\":[],\"Cmd\":null,"
        "\"Image\":\"\",\"Volumes\":null,\"WorkingDir\":\"\",\"Entrypoint\":null,"
        "\"OnBuild\":null,\"Labels\":{}}",
    [ZERO_NETWORK_SETTINGS] =
        "{\"Bridge\":\"\",\"SandboxID\":\"\",\"SandboxKey\":\"\",\"Ports\":{},"
        "\"HairpinMode\":false,\"LinkLocalIPv6Address\":\"\","
        "\"LinkLocalIPv6PrefixLen\":0,\"SecondaryIPAddresses\":null,"
        "\"SecondaryIPv6Addresses\":null,\"EndpointID\":\"\",\"Gateway\":\"\","
        "\"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0,\"IPAddress\":\"\","
        "\"IPPrefixLen\":0,\"IPv6Gateway\":\"\",\"MacAddress\":\"\",\"Networks\":{}}",
    [ZERO_ENDPOINT] =
        "{\"IPAMConfig\":null,\"Links\":null,\"Aliases\":null,\"MacAddress\":\"\","
        "\"DriverOpts\":null,\"GwPriority\":0,\"NetworkID\":\"\",\"EndpointID\":\"\","
        "\"Gateway\":\"\",\"IPAddress\":\"\",\"IPPrefixLen\":0,\"IPv6Gateway\":\"\","
        "\"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0,\"DNSNames\":null}",
    [ZERO_IMAGE] =
        "{\"Id\":\"\",\"RepoTags\":[],\"RepoDigests\":[],\"Parent\":\"\","
        "\"Comment\":\"\",\"Created\":\"\",\"DockerVersion\":\"\",\"Author\":\"\","
        "\"Config\":{},\"Architecture\":\"\",\"Os\":\"linux\",\"Size\":0,"
        "\"GraphDriver\":{\"Data\":null,\"Name\":\"overlay2\"},\"RootFS\":{},"
        "\"Metadata\":{\"LastTagTime\":\"0001-01-01T00:00:00Z\"}}",
};

json_t *inspect_over_zero(enum inspect_zero which, json_t *known)
{
    json_t *all = known ? json_loads(ZERO[which], 0, NULL) : NULL;
    if (all && json_object_update(all, known) < 0) {
        json_decref(all);
        all = NULL;
    }
    json_decref(known);
    return all;
}
