/* Stands in for macOS's header. */
#ifndef CANDOR_TESTS_QOS_H
#define CANDOR_TESTS_QOS_H

typedef enum { QOS_CLASS_UTILITY = 0x11 } qos_class_t;

static inline int pthread_set_qos_class_self_np(qos_class_t class, int priority)
{
    return class == QOS_CLASS_UTILITY && priority == 0 ? 0 : -1;
}

#endif
