#include "sandbox/guardian/system_v.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

namespace rune::sandbox {
namespace {

/// struct sem of the kernel (ipc/sem.c), with its cache line.
constexpr std::uint64_t kSemaphore = 64;
/// struct msg_msg (include/linux/msg.h).
constexpr std::uint64_t kMessageHead = 48;

/// The fourth argument of semctl(2), which the caller has to define.
union SemaphoreArgument {
  int value;
  semid_ds* set;
  seminfo* info;
};

shmid_ds* AsSegment(shm_info& info) { return reinterpret_cast<shmid_ds*>(&info); }
msqid_ds* AsQueue(msginfo& info) { return reinterpret_cast<msqid_ds*>(&info); }

std::uint64_t Count(int number) { return number < 0 ? 0 : static_cast<std::uint64_t>(number); }

}  // namespace

std::uint64_t SystemVBytes() {
  std::uint64_t bytes = 0;
  shm_info segments{};
  if (::shmctl(0, SHM_INFO, AsSegment(segments)) >= 0)
    bytes += (segments.shm_rss + segments.shm_swp) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  seminfo semaphores{};
  if (::semctl(0, 0, SEM_INFO, SemaphoreArgument{.info = &semaphores}) >= 0)
    bytes += Count(semaphores.semaem) * kSemaphore;
  msginfo messages{};  // of all queues: msgmap is the number of messages, msgtql their bytes
  if (::msgctl(0, MSG_INFO, AsQueue(messages)) >= 0)
    bytes += Count(messages.msgtql) + Count(messages.msgmap) * kMessageHead;
  return bytes;
}

void RemoveSystemV() {
  shm_info segments{};
  const int last_segment = ::shmctl(0, SHM_INFO, AsSegment(segments));
  for (int i = 0; segments.used_ids > 0 && i <= last_segment; ++i) {
    shmid_ds segment{};
    if (const int id = ::shmctl(i, SHM_STAT, &segment); id >= 0) ::shmctl(id, IPC_RMID, nullptr);
  }
  seminfo semaphores{};
  const int last_set = ::semctl(0, 0, SEM_INFO, SemaphoreArgument{.info = &semaphores});
  for (int i = 0; semaphores.semusz > 0 && i <= last_set; ++i) {
    semid_ds set{};
    if (const int id = ::semctl(i, 0, SEM_STAT, SemaphoreArgument{.set = &set}); id >= 0) ::semctl(id, 0, IPC_RMID);
  }
  msginfo messages{};
  const int last_queue = ::msgctl(0, MSG_INFO, AsQueue(messages));
  for (int i = 0; messages.msgpool > 0 && i <= last_queue; ++i) {
    msqid_ds queue{};
    if (const int id = ::msgctl(i, MSG_STAT, &queue); id >= 0) ::msgctl(id, IPC_RMID, nullptr);
  }
}

}  // namespace rune::sandbox
