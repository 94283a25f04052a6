/* Who may open what we make, and whose a directory is, on Windows. Layer: plat. */
#include "plat/windows.h"

#include <aclapi.h>

/* What lets somebody put something else in the place of our files. */
#define MAY_REPLACE                                                                                \
    (FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY | FILE_DELETE_CHILD | DELETE | WRITE_DAC |              \
     WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL)

static bool find_user(candor_owner_only *o)
{
    HANDLE token = NULL;
    DWORD n = 0;
    bool ok = OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) &&
              GetTokenInformation(token, TokenUser, o->token, sizeof o->token, &n);

    if (token != NULL) CloseHandle(token);
    o->user = ok ? ((TOKEN_USER *)(void *)o->token)->User.Sid : NULL;
    return ok;
}

candor_status candor_owner_only_init(candor_owner_only *o, bool directory, candor_err *err)
{
    const DWORD inherit = directory ? OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE : 0;

    o->acl = (ACL *)(void *)o->list;
    if (!find_user(o) || !InitializeAcl(o->acl, sizeof o->list, ACL_REVISION) ||
        !AddAccessAllowedAceEx(o->acl, ACL_REVISION, inherit, FILE_ALL_ACCESS, o->user) ||
        !InitializeSecurityDescriptor(&o->descriptor, SECURITY_DESCRIPTOR_REVISION) ||
        !SetSecurityDescriptorOwner(&o->descriptor, o->user, FALSE) ||
        !SetSecurityDescriptorDacl(&o->descriptor, TRUE, o->acl, FALSE) ||
        !SetSecurityDescriptorControl(&o->descriptor, SE_DACL_PROTECTED, SE_DACL_PROTECTED))
        return candor_windows_fail(err, GetLastError(), "access list",
                                   "cannot tell who the user of this process is", NULL);
    o->attributes = (SECURITY_ATTRIBUTES){.nLength = sizeof o->attributes,
                                          .lpSecurityDescriptor = &o->descriptor};
    return CANDOR_OK;
}

/* Those who can do anything on this machine anyway, as root can; and names for the owner. A package
 * (S-1-15-...) is an app of this user in a container. */
static bool is_trusted(PSID sid, PSID user)
{
    static const WELL_KNOWN_SID_TYPE known[] = {
        WinLocalSystemSid,
        WinBuiltinAdministratorsSid,
        WinAccountDomainAdminsSid,
        WinAccountEnterpriseAdminsSid,
        WinCreatorOwnerSid,
        WinCreatorOwnerRightsSid,
        WinLogonIdsSid,
    };
    static const SID_IDENTIFIER_AUTHORITY package = {{0, 0, 0, 0, 0, 15}};
    static const DWORD installer = 80; /* S-1-5-80-...: services, of which an administrator made */

    if (!IsValidSid(sid)) return false;
    if (EqualSid(sid, user)) return true;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (IsWellKnownSid(sid, known[i])) return true;
    if (memcmp(GetSidIdentifierAuthority(sid), &package, sizeof package) == 0) return true;
    return *GetSidSubAuthorityCount(sid) > 1 && *GetSidSubAuthority(sid, 0) == installer;
}

static bool lets_others_write(const ACL *acl, PSID user)
{
    if (acl == NULL) return true; /* no list: everybody may do everything */
    for (DWORD i = 0; i < acl->AceCount; i++) {
        ACCESS_ALLOWED_ACE *ace = NULL;
        if (!GetAce((ACL *)(uintptr_t)acl, i, (void **)&ace)) return true;
        if (ace->Header.AceType != ACCESS_ALLOWED_ACE_TYPE &&
            ace->Header.AceType != ACCESS_ALLOWED_CALLBACK_ACE_TYPE)
            continue;
        if ((ace->Header.AceFlags & INHERIT_ONLY_ACE) != 0) continue;
        if ((ace->Mask & MAY_REPLACE) != 0 && !is_trusted(&ace->SidStart, user)) return true;
    }
    return false;
}

/* FAT and some network drives know no owners: whoever has the medium has the files. */
static bool knows_owners(HANDLE h)
{
    DWORD flags = 0;

    return !GetVolumeInformationByHandleW(h, NULL, 0, NULL, NULL, &flags, NULL, 0) ||
           (flags & FILE_PERSISTENT_ACLS) != 0;
}

static HANDLE open_for_control(const candor_wide *path, DWORD more, DWORD flags)
{
    return CreateFileW(path->s, READ_CONTROL | FILE_READ_ATTRIBUTES | more,
                       FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS | flags, NULL);
}

candor_status candor_windows_check_owner(const candor_wide *path, const char *name, candor_err *err)
{
    candor_owner_only o;
    PSECURITY_DESCRIPTOR found = NULL;
    PSID owner = NULL;
    ACL *acl = NULL;
    candor_status st = candor_owner_only_init(&o, true, err);
    HANDLE h = INVALID_HANDLE_VALUE;

    if (st != CANDOR_OK) return st;
    h = open_for_control(path, 0, 0);
    if (h == INVALID_HANDLE_VALUE)
        return candor_windows_fail(err, GetLastError(), "owner", "cannot look at", name);
    if (knows_owners(h)) {
        const DWORD code = GetSecurityInfo(h, SE_FILE_OBJECT,
                                           OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                                           &owner, NULL, &acl, NULL, &found);
        if (code != ERROR_SUCCESS)
            st = candor_windows_fail(err, code, "owner", "cannot ask who owns", name);
        else if (owner == NULL || !is_trusted(owner, o.user))
            st = candor_fail(err, CANDOR_DENIED, 0, "mkdir",
                             "%s belongs to another user; choose a directory of your own", name);
        else if (lets_others_write(acl, o.user))
            st = candor_fail(err, CANDOR_DENIED, 0, "mkdir",
                             "other users may write to %s; take that away: icacls /inheritance:r",
                             name);
    }
    LocalFree(found);
    CloseHandle(h);
    return st;
}

/* One entry, for the user alone, and nothing handed down. */
static bool is_owner_only(PSECURITY_DESCRIPTOR sd, const ACL *acl, PSID user)
{
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    DWORD revision = 0;
    ACCESS_ALLOWED_ACE *ace = NULL;

    return acl != NULL && acl->AceCount == 1 &&
           GetSecurityDescriptorControl(sd, &control, &revision) &&
           (control & SE_DACL_PROTECTED) != 0 && GetAce((ACL *)(uintptr_t)acl, 0, (void **)&ace) &&
           EqualSid(&ace->SidStart, user);
}

candor_status candor_dir_make_private(const char *path, candor_err *err)
{
    candor_wide wide;
    candor_owner_only o;
    PSECURITY_DESCRIPTOR found = NULL;
    PSID owner = NULL;
    ACL *acl = NULL;
    HANDLE h;
    DWORD attributes, code = ERROR_SUCCESS;
    candor_status st = candor_windows_path(path, &wide, err);

    if (st == CANDOR_OK) st = candor_owner_only_init(&o, true, err);
    if (st != CANDOR_OK) return st;
    attributes = GetFileAttributesW(wide.s);
    if (attributes == INVALID_FILE_ATTRIBUTES || (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0 ||
        (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
        return CANDOR_OK;
    h = open_for_control(&wide, WRITE_DAC, FILE_FLAG_OPEN_REPARSE_POINT);
    if (h == INVALID_HANDLE_VALUE) return CANDOR_OK; /* not ours to change */
    if (knows_owners(h) &&
        GetSecurityInfo(h, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                        &owner, NULL, &acl, NULL, &found) == ERROR_SUCCESS &&
        owner != NULL && is_trusted(owner, o.user) && !is_owner_only(found, acl, o.user))
        code = SetSecurityInfo(h, SE_FILE_OBJECT,
                               DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                               NULL, NULL, o.acl, NULL);
    LocalFree(found);
    CloseHandle(h);
    if (code != ERROR_SUCCESS)
        return candor_windows_fail(err, code, "access list", "cannot make private", path);
    return CANDOR_OK;
}
