import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('channels', '0001_initial'),
        ('domains', '0003_ses_tenants'),
    ]

    operations = [
        migrations.CreateModel(
            name='SesSetup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('deletion_began_at', models.DateTimeField(blank=True, help_text='AWS is being asked to let go of it.', null=True)),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
                ('domain', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='ses_setup', to='domains.domain')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ses_setups', to='accounts.organization')),
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='setup', to='domains.sestenant')),
            ],
        ),
        migrations.CreateModel(
            name='UseCase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('entity_name', models.CharField(max_length=31)),
                ('name', models.CharField(max_length=31)),
                ('description', models.TextField(blank=True, null=True)),
                ('email_type', models.CharField(choices=[('transactional', 'Transactional'), ('marketing', 'Marketing')], max_length=20)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('inbox', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='use_case', to='channels.emailaccount')),
                ('setup', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='use_cases', to='channels.sessetup')),
            ],
        ),
        migrations.AddIndex(
            model_name='sessetup',
            index=models.Index(fields=['organization', '-created_at', 'id'], name='ses_setup_newest'),
        ),
    ]
