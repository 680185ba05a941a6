/* Two small reads of /proc per sample, for the header. */
#include "ui/screen/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

void machine_read(struct ui *ui)
{
    if (ui->around.engine)
        mtd_host_info(ui->around.engine, &ui->info, NULL);
    if (gethostname(ui->hostname, sizeof(ui->hostname) - 1) < 0)
        ui->hostname[0] = '\0';
}

/* The first lines are enough: /proc/stat grows with the number of interrupts. */
static int read_head(const char *path, char *out, size_t size)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
    if (n < 0)
        return -errno;
    out[n] = '\0';
    return 0;
}

static void sample_cpu(struct ui *ui)
{
    char text[4096];
    unsigned long long v[8] = {0};
    if (read_head("/proc/stat", text, sizeof(text)) < 0)
        return;
    sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2],
           &v[3], &v[4], &v[5], &v[6], &v[7]);
    uint64_t total = 0, idle = v[3] + v[4];
    for (int i = 0; i < 8; i++)
        total += v[i];
    if (ui->host_total && total > ui->host_total && idle >= ui->host_idle)
        ui->host_cpu = 100.0 - 100.0 * (double)(idle - ui->host_idle) /
                                   (double)(total - ui->host_total);
    ui->host_total = total;
    ui->host_idle = idle;
}

static void sample_memory(struct ui *ui)
{
    char text[4096];
    unsigned long long total = 0, available = 0;
    if (read_head("/proc/meminfo", text, sizeof(text)) < 0)
        return;
    const char *t = strstr(text, "MemTotal:"), *a = strstr(text, "MemAvailable:");
    if (!t || !a || sscanf(t, "MemTotal: %llu", &total) != 1 ||
        sscanf(a, "MemAvailable: %llu", &available) != 1)
        return;
    ui->info.memory = total * 1024;
    ui->host_memory_used = total > available ? (total - available) * 1024 : 0;
}

void machine_sample(struct ui *ui)
{
    if (ui->scripted) /* scripted screens do not depend on the machine */
        return;
    sample_cpu(ui);
    sample_memory(ui);
}
